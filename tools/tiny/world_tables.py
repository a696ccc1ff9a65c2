# SPDX-License-Identifier: Apache-2.0
"""The closed world of Apertus Tiny, part 1: tables of facts in English, German, French and Italian.

All text here was written for this project. A table row is one thing (a country, a city, a word to define); its columns hold the
grammatical forms that the question wordings of `world_questions.py` need. German uses Swiss spelling (ss).
"""

LANGS = ("en", "de", "fr", "it")


def _rows(text):
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]


# One row per country. English name | German "of" form, "in" form, bare form | French article form, "of" form, "in" form |
# Italian article form, "of" form, "in" form.
_COUNTRIES = _rows("""
Switzerland|der Schweiz|in der Schweiz|die Schweiz|la Suisse|de la Suisse|en Suisse|la Svizzera|della Svizzera|in Svizzera
France|von Frankreich|in Frankreich|Frankreich|la France|de la France|en France|la Francia|della Francia|in Francia
Germany|von Deutschland|in Deutschland|Deutschland|l'Allemagne|de l'Allemagne|en Allemagne|la Germania|della Germania|in Germania
Italy|von Italien|in Italien|Italien|l'Italie|de l'Italie|en Italie|l'Italia|dell'Italia|in Italia
Austria|von Österreich|in Österreich|Österreich|l'Autriche|de l'Autriche|en Autriche|l'Austria|dell'Austria|in Austria
Spain|von Spanien|in Spanien|Spanien|l'Espagne|de l'Espagne|en Espagne|la Spagna|della Spagna|in Spagna
Portugal|von Portugal|in Portugal|Portugal|le Portugal|du Portugal|au Portugal|il Portogallo|del Portogallo|in Portogallo
Belgium|von Belgien|in Belgien|Belgien|la Belgique|de la Belgique|en Belgique|il Belgio|del Belgio|in Belgio
the Netherlands|der Niederlande|in den Niederlanden|die Niederlande|les Pays-Bas|des Pays-Bas|aux Pays-Bas|i Paesi Bassi|dei Paesi Bassi|nei Paesi Bassi
Denmark|von Dänemark|in Dänemark|Dänemark|le Danemark|du Danemark|au Danemark|la Danimarca|della Danimarca|in Danimarca
Sweden|von Schweden|in Schweden|Schweden|la Suède|de la Suède|en Suède|la Svezia|della Svezia|in Svezia
Norway|von Norwegen|in Norwegen|Norwegen|la Norvège|de la Norvège|en Norvège|la Norvegia|della Norvegia|in Norvegia
Finland|von Finnland|in Finnland|Finnland|la Finlande|de la Finlande|en Finlande|la Finlandia|della Finlandia|in Finlandia
Poland|von Polen|in Polen|Polen|la Pologne|de la Pologne|en Pologne|la Polonia|della Polonia|in Polonia
Greece|von Griechenland|in Griechenland|Griechenland|la Grèce|de la Grèce|en Grèce|la Grecia|della Grecia|in Grecia
Hungary|von Ungarn|in Ungarn|Ungarn|la Hongrie|de la Hongrie|en Hongrie|l'Ungheria|dell'Ungheria|in Ungheria
Ireland|von Irland|in Irland|Irland|l'Irlande|de l'Irlande|en Irlande|l'Irlanda|dell'Irlanda|in Irlanda
Iceland|von Island|in Island|Island|l'Islande|de l'Islande|en Islande|l'Islanda|dell'Islanda|in Islanda
Croatia|von Kroatien|in Kroatien|Kroatien|la Croatie|de la Croatie|en Croatie|la Croazia|della Croazia|in Croazia
Romania|von Rumänien|in Rumänien|Rumänien|la Roumanie|de la Roumanie|en Roumanie|la Romania|della Romania|in Romania
""")

# Same order: capital en|de|fr|it ; languages en|de|fr|it ; currency en|de|fr|it.
_CAPITALS = _rows("""
Bern|Bern|Berne|Berna
Paris|Paris|Paris|Parigi
Berlin|Berlin|Berlin|Berlino
Rome|Rom|Rome|Roma
Vienna|Wien|Vienne|Vienna
Madrid|Madrid|Madrid|Madrid
Lisbon|Lissabon|Lisbonne|Lisbona
Brussels|Brüssel|Bruxelles|Bruxelles
Amsterdam|Amsterdam|Amsterdam|Amsterdam
Copenhagen|Kopenhagen|Copenhague|Copenaghen
Stockholm|Stockholm|Stockholm|Stoccolma
Oslo|Oslo|Oslo|Oslo
Helsinki|Helsinki|Helsinki|Helsinki
Warsaw|Warschau|Varsovie|Varsavia
Athens|Athen|Athènes|Atene
Budapest|Budapest|Budapest|Budapest
Dublin|Dublin|Dublin|Dublino
Reykjavik|Reykjavik|Reykjavik|Reykjavik
Zagreb|Zagreb|Zagreb|Zagabria
Bucharest|Bukarest|Bucarest|Bucarest
""")
_LANGUAGES = _rows("""
German, French, Italian and Romansh|Deutsch, Französisch, Italienisch und Rätoromanisch|allemand, français, italien et romanche|tedesco, francese, italiano e romancio
French|Französisch|français|francese
German|Deutsch|allemand|tedesco
Italian|Italienisch|italien|italiano
German|Deutsch|allemand|tedesco
Spanish|Spanisch|espagnol|spagnolo
Portuguese|Portugiesisch|portugais|portoghese
Dutch, French and German|Niederländisch, Französisch und Deutsch|néerlandais, français et allemand|olandese, francese e tedesco
Dutch|Niederländisch|néerlandais|olandese
Danish|Dänisch|danois|danese
Swedish|Schwedisch|suédois|svedese
Norwegian|Norwegisch|norvégien|norvegese
Finnish and Swedish|Finnisch und Schwedisch|finnois et suédois|finlandese e svedese
Polish|Polnisch|polonais|polacco
Greek|Griechisch|grec|greco
Hungarian|Ungarisch|hongrois|ungherese
Irish and English|Irisch und Englisch|irlandais et anglais|irlandese e inglese
Icelandic|Isländisch|islandais|islandese
Croatian|Kroatisch|croate|croato
Romanian|Rumänisch|roumain|rumeno
""")
_EURO = ["the euro", "der Euro", "l'euro", "l'euro"]
_CURRENCIES = [_EURO] * 20
for _i, _row in (
    (0, ["the Swiss franc", "der Schweizer Franken", "le franc suisse", "il franco svizzero"]),
    (9, ["the Danish krone", "die dänische Krone", "la couronne danoise", "la corona danese"]),
    (10, ["the Swedish krona", "die schwedische Krone", "la couronne suédoise", "la corona svedese"]),
    (11, ["the Norwegian krone", "die norwegische Krone", "la couronne norvégienne", "la corona norvegese"]),
    (13, ["the zloty", "der Zloty", "le zloty", "lo zloty"]),
    (15, ["the forint", "der Forint", "le forint", "il fiorino"]),
    (17, ["the Icelandic krona", "die isländische Krone", "la couronne islandaise", "la corona islandese"]),
    (19, ["the Romanian leu", "der rumänische Leu", "le leu roumain", "il leu rumeno"]),
):
    _CURRENCIES[_i] = _row


def country_forms(row):
    en, de_of, de_in, de, fr, fr_of, fr_in, it, it_of, it_in = row
    return {
        "en": {"n": en, "of": en, "in": "in " + en},
        "de": {"n": de, "of": de_of, "in": de_in},
        "fr": {"n": fr, "of": fr_of, "in": fr_in},
        "it": {"n": it, "of": it_of, "in": it_in},
    }


def with_values(rows, values):
    """Country forms plus `v`, the value in each language."""
    result = []
    for row, value in zip(rows, values):
        forms = country_forms(row)
        for lang, text in zip(LANGS, value):
            forms[lang]["v"] = text
        result.append(forms)
    return result


CAPITALS = with_values(_COUNTRIES, _CAPITALS)
LANGUAGES = with_values(_COUNTRIES, _LANGUAGES)
for _forms in LANGUAGES:  # the name of the language alone may be part of the country's name
    for _lang, _verb in (("en", "speak"), ("de", "spricht man"), ("fr", "on parle"), ("it", "si parla")):
        _forms[_lang]["x"] = [f"{_verb} {_forms[_lang]['v']}."]
CURRENCIES = with_values(_COUNTRIES, _CURRENCIES)


def table(text, names):
    """Rows of `4 * len(names)` cells: all names in English, then German, French, Italian."""
    result = []
    for row in _rows(text):
        width = len(names)
        assert len(row) == 4 * width, row
        result.append({lang: dict(zip(names, row[i * width:(i + 1) * width])) for i, lang in enumerate(LANGS)})
    return result


# The river through a city: city, river (with article, nominative), four languages.
RIVERS = table("""
Bern|the Aare|Bern|die Aare|Berne|l'Aar|Berna|l'Aare
Zurich|the Limmat|Zürich|die Limmat|Zurich|la Limmat|Zurigo|la Limmat
Basel|the Rhine|Basel|der Rhein|Bâle|le Rhin|Basilea|il Reno
Geneva|the Rhône|Genf|die Rhone|Genève|le Rhône|Ginevra|il Rodano
Lucerne|the Reuss|Luzern|die Reuss|Lucerne|la Reuss|Lucerna|la Reuss
Paris|the Seine|Paris|die Seine|Paris|la Seine|Parigi|la Senna
London|the Thames|London|die Themse|Londres|la Tamise|Londra|il Tamigi
Rome|the Tiber|Rom|der Tiber|Rome|le Tibre|Roma|il Tevere
Florence|the Arno|Florenz|der Arno|Florence|l'Arno|Firenze|l'Arno
Turin|the Po|Turin|der Po|Turin|le Pô|Torino|il Po
Vienna|the Danube|Wien|die Donau|Vienne|le Danube|Vienna|il Danubio
Budapest|the Danube|Budapest|die Donau|Budapest|le Danube|Budapest|il Danubio
Berlin|the Spree|Berlin|die Spree|Berlin|la Spree|Berlino|la Sprea
Hamburg|the Elbe|Hamburg|die Elbe|Hambourg|l'Elbe|Amburgo|l'Elba
Cologne|the Rhine|Köln|der Rhein|Cologne|le Rhin|Colonia|il Reno
Prague|the Vltava|Prag|die Moldau|Prague|la Vltava|Praga|la Moldava
Warsaw|the Vistula|Warschau|die Weichsel|Varsovie|la Vistule|Varsavia|la Vistola
Lisbon|the Tagus|Lissabon|der Tejo|Lisbonne|le Tage|Lisbona|il Tago
""", ("c", "v"))

# Capitals of Swiss cantons: canton ("of" form), capital.
CANTONS = table("""
Ticino|Bellinzona|des Kantons Tessin|Bellinzona|du Tessin|Bellinzone|del Ticino|Bellinzona
Valais|Sion|des Kantons Wallis|Sitten|du Valais|Sion|del Vallese|Sion
Vaud|Lausanne|des Kantons Waadt|Lausanne|de Vaud|Lausanne|di Vaud|Losanna
Grisons|Chur|des Kantons Graubünden|Chur|des Grisons|Coire|dei Grigioni|Coira
Thurgau|Frauenfeld|des Kantons Thurgau|Frauenfeld|de Thurgovie|Frauenfeld|di Turgovia|Frauenfeld
Aargau|Aarau|des Kantons Aargau|Aarau|d'Argovie|Aarau|di Argovia|Aarau
Uri|Altdorf|des Kantons Uri|Altdorf|d'Uri|Altdorf|di Uri|Altdorf
Jura|Delémont|des Kantons Jura|Delsberg|du Jura|Delémont|del Giura|Delémont
Nidwalden|Stans|des Kantons Nidwalden|Stans|de Nidwald|Stans|di Nidvaldo|Stans
Obwalden|Sarnen|des Kantons Obwalden|Sarnen|d'Obwald|Sarnen|di Obvaldo|Sarnen
""", ("of", "v"))

# Sights: the sight (nominative with article), the city with its preposition, the bare city.
SIGHTS = table("""
the Eiffel Tower|in Paris|Paris|der Eiffelturm|in Paris|Paris|la tour Eiffel|à Paris|Paris|la torre Eiffel|a Parigi|Parigi
the Colosseum|in Rome|Rome|das Kolosseum|in Rom|Rom|le Colisée|à Rome|Rome|il Colosseo|a Roma|Roma
Big Ben|in London|London|Big Ben|in London|London|Big Ben|à Londres|Londres|il Big Ben|a Londra|Londra
the Brandenburg Gate|in Berlin|Berlin|das Brandenburger Tor|in Berlin|Berlin|la porte de Brandebourg|à Berlin|Berlin|la porta di Brandeburgo|a Berlino|Berlino
the Acropolis|in Athens|Athens|die Akropolis|in Athen|Athen|l'Acropole|à Athènes|Athènes|l'Acropoli|ad Atene|Atene
the Sagrada Familia|in Barcelona|Barcelona|die Sagrada Familia|in Barcelona|Barcelona|la Sagrada Familia|à Barcelone|Barcelone|la Sagrada Familia|a Barcellona|Barcellona
the Chapel Bridge|in Lucerne|Lucerne|die Kapellbrücke|in Luzern|Luzern|le pont de la Chapelle|à Lucerne|Lucerne|il ponte della Cappella|a Lucerna|Lucerna
the Jet d'eau|in Geneva|Geneva|der Jet d'eau|in Genf|Genf|le jet d'eau|à Genève|Genève|il Jet d'eau|a Ginevra|Ginevra
the Atomium|in Brussels|Brussels|das Atomium|in Brüssel|Brüssel|l'Atomium|à Bruxelles|Bruxelles|l'Atomium|a Bruxelles|Bruxelles
the Charles Bridge|in Prague|Prague|die Karlsbrücke|in Prag|Prag|le pont Charles|à Prague|Prague|il ponte Carlo|a Praga|Praga
""", ("s", "in", "v"))

# Definitions: the word with its indefinite article, the answer. German nominative (`n`) is used in every wording.
DEFINITIONS = table("""
a glacier|a large, slow river of ice in the mountains|ein Gletscher|ein grosser, langsamer Strom aus Eis in den Bergen|un glacier|une grande masse de glace qui avance lentement en montagne|un ghiacciaio|una grande massa di ghiaccio che si muove piano in montagna
a lake|a large body of water with land all around it|ein See|ein grosses Gewässer mit Land rundherum|un lac|une grande étendue d'eau entourée de terre|un lago|una grande distesa d'acqua circondata dalla terra
a river|a long stream of water that flows to a lake or to the sea|ein Fluss|ein langer Wasserlauf, der in einen See oder ins Meer fliesst|un fleuve|un long cours d'eau qui coule jusqu'à la mer|un fiume|un lungo corso d'acqua che scorre fino al mare
a mountain|a very high piece of land|ein Berg|eine sehr hohe Erhebung im Gelände|une montagne|une partie très haute du terrain|una montagna|una parte molto alta del terreno
a volcano|a mountain from which hot lava can come out|ein Vulkan|ein Berg, aus dem heisse Lava kommen kann|un volcan|une montagne d'où peut sortir de la lave chaude|un vulcano|una montagna da cui può uscire lava calda
an island|a piece of land with water all around it|eine Insel|ein Stück Land mit Wasser rundherum|une île|une terre entourée d'eau de tous les côtés|un'isola|una terra circondata dall'acqua da ogni lato
a forest|a large area with many trees|ein Wald|ein grosses Gebiet mit vielen Bäumen|une forêt|une grande surface avec beaucoup d'arbres|una foresta|una grande area con molti alberi
a bee|a small insect that makes honey|eine Biene|ein kleines Insekt, das Honig macht|une abeille|un petit insecte qui fait du miel|un'ape|un piccolo insetto che fa il miele
a cow|a farm animal that gives milk|eine Kuh|ein Tier auf dem Bauernhof, das Milch gibt|une vache|un animal de la ferme qui donne du lait|una mucca|un animale della fattoria che dà il latte
a dog|an animal that barks and lives with people|ein Hund|ein Tier, das bellt und mit Menschen lebt|un chien|un animal qui aboie et vit avec les gens|un cane|un animale che abbaia e vive con le persone
a cat|an animal that purrs and catches mice|eine Katze|ein Tier, das schnurrt und Mäuse fängt|un chat|un animal qui ronronne et attrape les souris|un gatto|un animale che fa le fusa e cattura i topi
a bird|an animal with feathers and wings|ein Vogel|ein Tier mit Federn und Flügeln|un oiseau|un animal avec des plumes et des ailes|un uccello|un animale con le piume e le ali
a tree|a tall plant with a trunk of wood|ein Baum|eine hohe Pflanze mit einem Stamm aus Holz|un arbre|une grande plante avec un tronc de bois|un albero|una pianta alta con un tronco di legno
a library|a place where you can read and borrow books|eine Bibliothek|ein Ort, an dem man Bücher lesen und ausleihen kann|une bibliothèque|un lieu où l'on peut lire et emprunter des livres|una biblioteca|un luogo dove si possono leggere e prendere in prestito libri
a school|a place where children learn|eine Schule|ein Ort, an dem Kinder lernen|une école|un lieu où les enfants apprennent|una scuola|un luogo dove i bambini imparano
a hospital|a place where sick people get help|ein Spital|ein Ort, an dem kranke Menschen Hilfe bekommen|un hôpital|un lieu où l'on soigne les malades|un ospedale|un luogo dove si curano i malati
a train|a row of wagons that runs on rails|ein Zug|eine Reihe von Wagen, die auf Schienen fährt|un train|une suite de wagons qui roule sur des rails|un treno|una fila di vagoni che viaggia sui binari
a clock|a device that shows the time|eine Uhr|ein Gerät, das die Zeit anzeigt|une horloge|un appareil qui montre l'heure|un orologio|un apparecchio che mostra l'ora
a computer|a machine that works with data and programs|ein Computer|eine Maschine, die mit Daten und Programmen arbeitet|un ordinateur|une machine qui travaille avec des données et des programmes|un computer|una macchina che lavora con dati e programmi
a language model|a program that predicts the next piece of a text|ein Sprachmodell|ein Programm, das das nächste Stück eines Textes vorhersagt|un modèle de langue|un programme qui prédit le prochain morceau d'un texte|un modello linguistico|un programma che prevede il prossimo pezzo di un testo
a canton|one of the 26 member states of Switzerland|ein Kanton|einer der 26 Gliedstaaten der Schweiz|un canton|un des 26 États membres de la Suisse|un cantone|uno dei 26 Stati membri della Svizzera
a bridge|a structure that crosses a river or a road|eine Brücke|ein Bauwerk, das über einen Fluss oder eine Strasse führt|un pont|une construction qui passe sur une rivière ou une route|un ponte|una costruzione che passa sopra un fiume o una strada
""", ("n", "v"))

# A distinctive word of each definition, for the evaluation (en, de, fr, it).
DEFINITION_KEYS = _rows("""
river of ice|Strom aus Eis|glace qui|massa di ghiaccio
body of water|Gewässer|étendue d'eau|distesa d'acqua
long stream|Wasserlauf|cours d'eau|corso d'acqua
very high|Erhebung|très haute|molto alta
lava|Lava|lave|lava
piece of land with|Stück Land|terre entourée|terra circondata
many trees|vielen Bäumen|beaucoup d'arbres|molti alberi
honey|Honig|miel|miele
milk|Milch|lait|latte
barks|bellt|aboie|abbaia
purrs|schnurrt|ronronne|fusa
feathers|Federn|plumes|piume
trunk|Stamm|tronc|tronco
borrow|ausleihen|emprunter|prestito
children|Kinder|enfants|bambini
sick|kranke|malades|malati
rails|Schienen|rails|binari
shows the time|Zeit anzeigt|montre l'heure|mostra l'ora
data|Daten|données|dati
predicts|vorhersagt|prédit|prevede
member states|Gliedstaaten|États membres|Stati membri
structure|Bauwerk|construction|costruzione
""")
for _entity, _keys in zip(DEFINITIONS, DEFINITION_KEYS):
    for _lang, _key in zip(LANGS, _keys):
        _entity[_lang]["x"] = [_key]

DAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag".split(),
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche".split(),
    "it": "lunedì martedì mercoledì giovedì venerdì sabato domenica".split(),
}
MONTHS = {
    "en": "January February March April May June July August September October November December".split(),
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(),
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre".split(),
}
MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _cycle(names, step):
    count = len(names["en"])
    return [{lang: {"n": names[lang][i], "v": names[lang][(i + step) % count]} for lang in LANGS} for i in range(count)]


DAY_AFTER, DAY_BEFORE = _cycle(DAYS, 1), _cycle(DAYS, -1)
MONTH_AFTER, MONTH_BEFORE = _cycle(MONTHS, 1), _cycle(MONTHS, -1)
MONTH_LENGTHS = [{lang: {"n": MONTHS[lang][i], "v": str(MONTH_DAYS[i])} for lang in LANGS} for i in range(12)]

NUMBER_WORDS = {
    "en": ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
           "eighteen nineteen twenty").split(),
    "de": ("null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn "
           "achtzehn neunzehn zwanzig").split(),
    "fr": ("zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit "
           "dix-neuf vingt").split(),
    "it": ("zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici "
           "diciassette diciotto diciannove venti").split(),
}
