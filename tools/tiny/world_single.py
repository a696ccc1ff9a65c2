# SPDX-License-Identifier: Apache-2.0
"""The closed world of Apertus Tiny, part 3: single facts, small talk, identity and the polite refusal. Own text of this project.

The notation is that of `world_questions.py`; here an intent has one answer and no entity.
"""

from world_questions import intent, lines

# ------------------------------------------------------------------------------------------------------------- single facts
# topic | name | then noun phrase and value: en | de (nominative | accusative | value) | fr (quel | phrase | value) | it. Answer: "NP is V".
_NP_FACTS = """
switzerland | highest_mountain | the highest mountain in Switzerland | the Dufourspitze | der höchste Berg der Schweiz | den höchsten Berg der Schweiz | die Dufourspitze | quelle | la plus haute montagne de Suisse | la pointe Dufour | la montagna più alta della Svizzera | la Punta Dufour
switzerland | largest_city | the largest city in Switzerland | Zurich | die grösste Stadt der Schweiz | die grösste Stadt der Schweiz | Zürich | quelle | la plus grande ville de Suisse | Zurich | la città più grande della Svizzera | Zurigo
switzerland | national_day | the national day of Switzerland | the first of August | der Nationalfeiertag der Schweiz | den Nationalfeiertag der Schweiz | der erste August | quelle | la fête nationale de la Suisse | le premier août | la festa nazionale della Svizzera | il primo agosto
switzerland | longest_tunnel | the longest railway tunnel in Switzerland | the Gotthard Base Tunnel | der längste Bahntunnel der Schweiz | den längsten Bahntunnel der Schweiz | der Gotthard-Basistunnel | quel | le plus long tunnel ferroviaire de Suisse | le tunnel de base du Gothard | la galleria ferroviaria più lunga della Svizzera | la galleria di base del San Gottardo
switzerland | largest_canton | the largest canton of Switzerland | Grisons | der grösste Kanton der Schweiz | den grössten Kanton der Schweiz | Graubünden | quel | le plus grand canton de Suisse | le canton des Grisons | il cantone più grande della Svizzera | il Canton Grigioni
europe | alps_highest | the highest mountain of the Alps | Mont Blanc | der höchste Berg der Alpen | den höchsten Berg der Alpen | der Mont Blanc | quelle | la plus haute montagne des Alpes | le mont Blanc | la montagna più alta delle Alpi | il Monte Bianco
europe | longest_river | the longest river in Europe | the Volga | der längste Fluss Europas | den längsten Fluss Europas | die Wolga | quel | le plus long fleuve d'Europe | la Volga | il fiume più lungo d'Europa | il Volga
europe | smallest_country | the smallest country in Europe | Vatican City | das kleinste Land Europas | das kleinste Land Europas | die Vatikanstadt | quel | le plus petit pays d'Europe | le Vatican | il paese più piccolo d'Europa | la Città del Vaticano
geography | germany_highest | the highest mountain in Germany | the Zugspitze | der höchste Berg Deutschlands | den höchsten Berg Deutschlands | die Zugspitze | quelle | la plus haute montagne d'Allemagne | la Zugspitze | la montagna più alta della Germania | la Zugspitze
geography | austria_highest | the highest mountain in Austria | the Grossglockner | der höchste Berg Österreichs | den höchsten Berg Österreichs | der Grossglockner | quelle | la plus haute montagne d'Autriche | le Grossglockner | la montagna più alta dell'Austria | il Grossglockner
geography | spain_highest | the highest mountain in Spain | the Teide | der höchste Berg Spaniens | den höchsten Berg Spaniens | der Teide | quelle | la plus haute montagne d'Espagne | le Teide | la montagna più alta della Spagna | il Teide
geography | greece_highest | the highest mountain in Greece | Mount Olympus | der höchste Berg Griechenlands | den höchsten Berg Griechenlands | der Olymp | quelle | la plus haute montagne de Grèce | le mont Olympe | la montagna più alta della Grecia | il monte Olimpo
calendar | first_day | the first day of the week | Monday | der erste Tag der Woche | den ersten Tag der Woche | der Montag | quel | le premier jour de la semaine | lundi | il primo giorno della settimana | lunedì
calendar | last_day | the last day of the week | Sunday | der letzte Tag der Woche | den letzten Tag der Woche | der Sonntag | quel | le dernier jour de la semaine | dimanche | l'ultimo giorno della settimana | domenica
calendar | first_month | the first month of the year | January | der erste Monat des Jahres | den ersten Monat des Jahres | der Januar | quel | le premier mois de l'année | janvier | il primo mese dell'anno | gennaio
calendar | last_month | the last month of the year | December | der letzte Monat des Jahres | den letzten Monat des Jahres | der Dezember | quel | le dernier mois de l'année | décembre | l'ultimo mese dell'anno | dicembre
calendar | shortest_month | the shortest month of the year | February | der kürzeste Monat des Jahres | den kürzesten Monat des Jahres | der Februar | quel | le mois le plus court de l'année | février | il mese più corto dell'anno | febbraio
"""
for _line in _NP_FACTS.strip().splitlines():
    (_topic, _name, _en, _en_v, _de, _de_acc, _de_v, _quel, _fr, _fr_v, _it, _it_v) = [c.strip() for c in _line.split("|")]
    intent(_name, _topic, weight=0.32,
           answer={"en": f"{_en} is {_en_v}.", "de": f"{_de} ist {_de_v}.", "fr": f"{_fr} est {_fr_v}.", "it": f"{_it} è {_it_v}."},
           np={"en": (_en,), "de": (_de, _de_acc), "fr": (_fr, _quel), "it": (_it,)},
           q={"en": _en, "de": _de, "fr": _fr, "it": _it},
           expect={"en": [_en_v], "de": [_de_v], "fr": [_fr_v], "it": [_it_v]})


def single(name, topic, expect, weight=0.4, **languages):
    """`languages`: lang = (answer, wordings); `expect`: one list for all languages, or a dict."""
    if not isinstance(expect, dict):
        expect = {lang: expect for lang in languages}
    intent(name, topic, weight=weight, expect=expect, answer={lang: value[0] for lang, value in languages.items()},
           q={lang: value[1] for lang, value in languages.items()})


single("cantons", "switzerland", ["26"],
       en=("Switzerland has 26 cantons.", """How many cantons does Switzerland have?\nHow many cantons are there in Switzerland?\nnumber of cantons in Switzerland
           Tell me how many cantons Switzerland has.\nWhat is the number of Swiss cantons?\n~ How many Swiss cantons are there?\n! How many cantons make up Switzerland?\n! Do you know how many cantons there are in Switzerland?"""),
       de=("Die Schweiz hat 26 Kantone.", """Wie viele Kantone hat die Schweiz?\nWie viele Kantone gibt es in der Schweiz?\nAnzahl Kantone der Schweiz
           Sag mir, wie viele Kantone die Schweiz hat.\nAus wie vielen Kantonen besteht die Schweiz?\n~ Wie viele Schweizer Kantone gibt es?\n! Weisst du, wie viele Kantone es in der Schweiz gibt?\n! Die Schweiz hat wie viele Kantone?"""),
       fr=("La Suisse a 26 cantons.", """Combien de cantons a la Suisse ?\nCombien de cantons y a-t-il en Suisse ?\nnombre de cantons en Suisse
           Dis-moi combien de cantons a la Suisse.\nIl y a combien de cantons en Suisse ?\n~ Combien de cantons suisses y a-t-il ?\n! Combien de cantons compte la Suisse ?\n! Sais-tu combien de cantons il y a en Suisse ?"""),
       it=("La Svizzera ha 26 cantoni.", """Quanti cantoni ha la Svizzera?\nQuanti cantoni ci sono in Svizzera?\nnumero di cantoni in Svizzera
           Dimmi quanti cantoni ha la Svizzera.\nDa quanti cantoni è formata la Svizzera?\n~ Quanti cantoni svizzeri ci sono?\n! Sai quanti cantoni ci sono in Svizzera?\n! La Svizzera quanti cantoni ha?"""))
single("swiss_founded", "switzerland", ["1291"],
       en=("Switzerland was founded in 1291.", """When was Switzerland founded?\nIn which year was Switzerland founded?\nWhat year was Switzerland founded?\nWhen did Switzerland begin?
           Since when does Switzerland exist?\nfounding year of Switzerland\n~ Tell me when Switzerland was founded.\n! In what year was Switzerland created?\n! Can you tell me when Switzerland was founded?"""),
       de=("Die Schweiz wurde 1291 gegründet.", """Wann wurde die Schweiz gegründet?\nIn welchem Jahr wurde die Schweiz gegründet?\nSeit wann gibt es die Schweiz?\nGründungsjahr der Schweiz
           Wann entstand die Schweiz?\nWie alt ist die Schweiz?\n~ Sag mir, wann die Schweiz gegründet wurde.\n! Weisst du, in welchem Jahr die Schweiz gegründet wurde?\n! Wann ist die Schweiz entstanden?"""),
       fr=("La Suisse a été fondée en 1291.", """Quand la Suisse a-t-elle été fondée ?\nEn quelle année la Suisse a-t-elle été fondée ?\nDepuis quand existe la Suisse ?\nannée de fondation de la Suisse
           Quand est née la Suisse ?\nLa Suisse a été fondée quand ?\n~ Dis-moi quand la Suisse a été fondée.\n! Sais-tu quand la Suisse a été fondée ?\n! En quelle année est née la Suisse ?"""),
       it=("La Svizzera è stata fondata nel 1291.", """Quando è stata fondata la Svizzera?\nIn che anno è stata fondata la Svizzera?\nDa quando esiste la Svizzera?\nanno di fondazione della Svizzera
           Quando è nata la Svizzera?\nLa Svizzera quando è stata fondata?\n~ Dimmi quando è stata fondata la Svizzera.\n! Sai quando è stata fondata la Svizzera?\n! In quale anno è nata la Svizzera?"""))
single("swiss_constitution", "switzerland", ["1848"],
       en=("The federal constitution of Switzerland dates from 1848.", """When was the Swiss constitution made?\nFrom which year is the Swiss federal constitution?\nWhat year is the first federal constitution of Switzerland from?\nWhen did Switzerland get its federal constitution?
           ~ In what year was the Swiss constitution written?\n! Since which year has Switzerland had a federal constitution?\n! When was the federal constitution of Switzerland made?"""),
       de=("Die Bundesverfassung der Schweiz stammt von 1848.", """Wann bekam die Schweiz ihre Bundesverfassung?\nAus welchem Jahr stammt die Bundesverfassung?\nVon wann ist die Schweizer Bundesverfassung?\nIn welchem Jahr entstand die Bundesverfassung der Schweiz?
           ~ Seit wann hat die Schweiz eine Bundesverfassung?\n! Seit welchem Jahr hat die Schweiz eine Bundesverfassung?\n! Wann entstand die Bundesverfassung?"""),
       fr=("La Constitution fédérale de la Suisse date de 1848.", """De quand date la Constitution fédérale suisse ?\nDe quelle année date la Constitution fédérale ?\nQuand la Suisse a-t-elle eu sa Constitution fédérale ?\nEn quelle année est née la Constitution suisse ?
           ~ Depuis quand la Suisse a-t-elle une Constitution fédérale ?\n! La Constitution fédérale date de quelle année ?\n! De quand date la Constitution de la Suisse ?"""),
       it=("La Costituzione federale della Svizzera è del 1848.", """Di quando è la Costituzione federale svizzera?\nDi che anno è la Costituzione federale?\nQuando ha avuto la Svizzera la sua Costituzione federale?\nIn che anno è nata la Costituzione svizzera?
           ~ Da quando la Svizzera ha una Costituzione federale?\n! La Costituzione federale di che anno è?\n! Di quale anno è la Costituzione della Svizzera?"""))
single("federal_council", "switzerland", {"en": ["seven"], "de": ["sieben"], "fr": ["sept"], "it": ["sette"]},
       en=("The Federal Council has seven members.", """How many members does the Federal Council have?\nHow many people are in the Swiss government?\nHow many members does the Swiss government have?\nHow many federal councillors are there?
           ~ How large is the Federal Council?\n! How many people sit in the Federal Council?\n! How many members are there in the Federal Council?"""),
       de=("Der Bundesrat hat sieben Mitglieder.", """Wie viele Mitglieder hat der Bundesrat?\nWie viele Leute sind im Bundesrat?\nWie viele Mitglieder hat die Schweizer Regierung?\nWie viele Bundesräte gibt es?
           ~ Wie gross ist der Bundesrat?\n! Wie viele Personen sitzen im Bundesrat?\n! Aus wie vielen Mitgliedern besteht der Bundesrat?"""),
       fr=("Le Conseil fédéral a sept membres.", """Combien de membres a le Conseil fédéral ?\nCombien de personnes y a-t-il au Conseil fédéral ?\nCombien de membres a le gouvernement suisse ?\nCombien de conseillers fédéraux y a-t-il ?
           ~ Le Conseil fédéral a combien de membres ?\n! Combien de membres compte le Conseil fédéral ?\n! Il y a combien de personnes au Conseil fédéral ?"""),
       it=("Il Consiglio federale ha sette membri.", """Quanti membri ha il Consiglio federale?\nQuante persone ci sono nel Consiglio federale?\nQuanti membri ha il governo svizzero?\nQuanti consiglieri federali ci sono?
           ~ Il Consiglio federale quanti membri ha?\n! Di quanti membri è fatto il Consiglio federale?\n! Quanti membri ci sono nel Consiglio federale?"""))
single("swiss_neighbours", "switzerland", ["Liechtenstein"],
       en=("The neighbours of Switzerland are Germany, France, Italy, Austria and Liechtenstein.", """Which countries border Switzerland?\nWhat are the neighbours of Switzerland?\nWhich countries are next to Switzerland?\nName the neighbours of Switzerland.\nSwiss neighbours
           What countries lie around Switzerland?\n~ Which countries share a border with Switzerland?\n! Which are the neighbouring countries of Switzerland?\n! Tell me which countries border Switzerland."""),
       de=("Die Nachbarn der Schweiz sind Deutschland, Frankreich, Italien, Österreich und Liechtenstein.", """Welche Länder grenzen an die Schweiz?\nWas sind die Nachbarn der Schweiz?\nWelche Nachbarländer hat die Schweiz?\nNenne die Nachbarn der Schweiz.\nNachbarländer der Schweiz
           Welche Länder liegen um die Schweiz?\n~ Wer sind die Nachbarn der Schweiz?\n! Welche Nachbarn hat die Schweiz?\n! Nenne mir die Nachbarländer der Schweiz."""),
       fr=("Les voisins de la Suisse sont l'Allemagne, la France, l'Italie, l'Autriche et le Liechtenstein.", """Quels pays touchent la Suisse ?\nQuels sont les voisins de la Suisse ?\nQuels pays sont à côté de la Suisse ?\nNomme les voisins de la Suisse.\npays voisins de la Suisse
           Quels pays ont une frontière avec la Suisse ?\n~ La Suisse a quels voisins ?\n! Quels sont les pays voisins de la Suisse ?\n! Dis-moi quels pays touchent la Suisse."""),
       it=("I vicini della Svizzera sono la Germania, la Francia, l'Italia, l'Austria e il Liechtenstein.", """Quali paesi confinano con la Svizzera?\nQuali sono i vicini della Svizzera?\nQuali paesi sono accanto alla Svizzera?\nNomina i vicini della Svizzera.\npaesi vicini della Svizzera
           Con quali paesi confina la Svizzera?\n~ La Svizzera con chi confina?\n! Quali sono i paesi vicini della Svizzera?\n! Dimmi quali paesi confinano con la Svizzera."""))
single("swiss_languages_count", "switzerland", {"en": ["four"], "de": ["vier"], "fr": ["quatre"], "it": ["quattro"]},
       en=("Switzerland has four national languages.", """How many languages does Switzerland have?\nHow many national languages are there in Switzerland?\nHow many languages are spoken in Switzerland?\nnumber of languages in Switzerland
           ~ How many official languages does Switzerland have?\n! How many national languages does Switzerland have?\n! Tell me how many languages there are in Switzerland."""),
       de=("Die Schweiz hat vier Landessprachen.", """Wie viele Sprachen hat die Schweiz?\nWie viele Landessprachen gibt es in der Schweiz?\nWie viele Sprachen spricht man in der Schweiz?\nAnzahl Sprachen der Schweiz
           ~ Wie viele Amtssprachen hat die Schweiz?\n! Wie viele Landessprachen hat die Schweiz?\n! Sag mir, wie viele Sprachen es in der Schweiz gibt."""),
       fr=("La Suisse a quatre langues nationales.", """Combien de langues a la Suisse ?\nCombien de langues nationales y a-t-il en Suisse ?\nCombien de langues parle-t-on en Suisse ?\nnombre de langues en Suisse
           ~ Combien de langues officielles a la Suisse ?\n! Combien de langues nationales a la Suisse ?\n! Dis-moi combien de langues il y a en Suisse."""),
       it=("La Svizzera ha quattro lingue nazionali.", """Quante lingue ha la Svizzera?\nQuante lingue nazionali ci sono in Svizzera?\nQuante lingue si parlano in Svizzera?\nnumero di lingue in Svizzera
           ~ Quante lingue ufficiali ha la Svizzera?\n! Quante lingue nazionali ha la Svizzera?\n! Dimmi quante lingue ci sono in Svizzera."""))
single("swiss_flag", "switzerland", {"en": ["white cross"], "de": ["weisses Kreuz"], "fr": ["croix blanche"], "it": ["croce bianca"]},
       en=("The Swiss flag is red with a white cross.", """What does the Swiss flag look like?\nWhat is on the Swiss flag?\nWhich colours has the Swiss flag?\nDescribe the flag of Switzerland.\nWhat colour is the Swiss flag?
           ~ How does the flag of Switzerland look?\n! What can one see on the Swiss flag?\n! What does the flag of Switzerland look like?"""),
       de=("Die Schweizer Flagge ist rot und hat ein weisses Kreuz.", """Wie sieht die Schweizer Flagge aus?\nWas ist auf der Schweizer Flagge?\nWelche Farben hat die Schweizer Flagge?\nBeschreibe die Flagge der Schweiz.\nWelche Farbe hat die Flagge der Schweiz?
           ~ Was sieht man auf der Fahne der Schweiz?\n! Wie sieht die Flagge der Schweiz aus?\n! Was sieht man auf der Schweizer Flagge?"""),
       fr=("Le drapeau suisse est rouge avec une croix blanche.", """À quoi ressemble le drapeau suisse ?\nQu'y a-t-il sur le drapeau suisse ?\nQuelles sont les couleurs du drapeau suisse ?\nDécris le drapeau de la Suisse.\nDe quelle couleur est le drapeau suisse ?
           ~ Comment est le drapeau suisse ?\n! À quoi ressemble le drapeau de la Suisse ?\n! Que voit-on sur le drapeau suisse ?"""),
       it=("La bandiera svizzera è rossa con una croce bianca.", """Com'è la bandiera svizzera?\nCosa c'è sulla bandiera svizzera?\nQuali colori ha la bandiera svizzera?\nDescrivi la bandiera della Svizzera.\nDi che colore è la bandiera svizzera?
           ~ Come appare la bandiera svizzera?\n! Com'è la bandiera della Svizzera?\n! Che cosa si vede sulla bandiera svizzera?"""))
single("matterhorn", "switzerland", ["4478"],
       en=("The Matterhorn is 4478 metres high.", """How high is the Matterhorn?\nHow tall is the Matterhorn?\nWhat is the height of the Matterhorn?\nheight of the Matterhorn\nTell me the height of the Matterhorn.
           ~ How many metres high is the Matterhorn?\n! Do you know how high the Matterhorn is?\n! What height does the Matterhorn have?"""),
       de=("Das Matterhorn ist 4478 Meter hoch.", """Wie hoch ist das Matterhorn?\nWie gross ist das Matterhorn?\nWas ist die Höhe des Matterhorns?\nHöhe des Matterhorns\nSag mir, wie hoch das Matterhorn ist.
           ~ Wie viele Meter hoch ist das Matterhorn?\n! Weisst du, wie hoch das Matterhorn ist?\n! Welche Höhe hat das Matterhorn?"""),
       fr=("Le Cervin a une hauteur de 4478 mètres.", """Quelle est la hauteur du Cervin ?\nQuelle est l'altitude du Cervin ?\nLe Cervin est haut de combien ?\nhauteur du Cervin\nDis-moi la hauteur du Cervin.
           ~ Combien de mètres fait le Cervin ?\n! Sais-tu quelle est la hauteur du Cervin ?\n! Quelle hauteur a le Cervin ?"""),
       it=("Il Cervino è alto 4478 metri.", """Quanto è alto il Cervino?\nQual è l'altezza del Cervino?\nChe altezza ha il Cervino?\naltezza del Cervino\nDimmi quanto è alto il Cervino.
           ~ Quanti metri è alto il Cervino?\n! Sai quanto è alto il Cervino?\n! Il Cervino quanto è alto?"""))
single("berlin_wall", "europe", ["1989"],
       en=("The Berlin Wall fell in 1989.", """When did the Berlin Wall fall?\nIn which year did the Berlin Wall fall?\nWhat year did the wall in Berlin fall?\nfall of the Berlin Wall
           ~ Tell me when the Berlin Wall fell.\n! Do you know when the Berlin Wall fell?\n! In what year did the Berlin Wall come down?"""),
       de=("Die Berliner Mauer fiel 1989.", """Wann fiel die Berliner Mauer?\nIn welchem Jahr fiel die Berliner Mauer?\nWann ist die Mauer in Berlin gefallen?\nFall der Berliner Mauer
           ~ Sag mir, wann die Berliner Mauer fiel.\n! Weisst du, wann die Berliner Mauer fiel?\n! In welchem Jahr ist die Berliner Mauer gefallen?"""),
       fr=("Le mur de Berlin est tombé en 1989.", """Quand le mur de Berlin est-il tombé ?\nEn quelle année est tombé le mur de Berlin ?\nLe mur de Berlin est tombé quand ?\nchute du mur de Berlin
           ~ Dis-moi quand est tombé le mur de Berlin.\n! Sais-tu quand le mur de Berlin est tombé ?\n! En quelle année le mur de Berlin est-il tombé ?"""),
       it=("Il muro di Berlino è caduto nel 1989.", """Quando è caduto il muro di Berlino?\nIn che anno è caduto il muro di Berlino?\nIl muro di Berlino quando è caduto?\ncaduta del muro di Berlino
           ~ Dimmi quando è caduto il muro di Berlino.\n! Sai quando è caduto il muro di Berlino?\n! In quale anno cadde il muro di Berlino?"""))
single("eu_stars", "europe", {"en": ["twelve"], "de": ["zwölf"], "fr": ["douze"], "it": ["dodici"]},
       en=("The flag of Europe has twelve stars.", """How many stars are on the European flag?\nHow many stars does the flag of Europe have?\nHow many stars does the EU flag have?\nnumber of stars on the EU flag
           ~ How many stars are there on the EU flag?\n! How many stars can one see on the flag of Europe?\n! Tell me how many stars the European flag has."""),
       de=("Die Europaflagge hat zwölf Sterne.", """Wie viele Sterne hat die Europaflagge?\nWie viele Sterne sind auf der Flagge Europas?\nWie viele Sterne hat die Flagge der EU?\nAnzahl Sterne der Europaflagge
           ~ Wie viele Sterne sind auf der Flagge der EU?\n! Wie viele Sterne sieht man auf der Europaflagge?\n! Sag mir, wie viele Sterne die Europaflagge hat."""),
       fr=("Le drapeau européen a douze étoiles.", """Combien d'étoiles a le drapeau européen ?\nCombien d'étoiles y a-t-il sur le drapeau européen ?\nCombien d'étoiles a le drapeau de l'Europe ?\nnombre d'étoiles du drapeau européen
           ~ Il y a combien d'étoiles sur le drapeau de l'Europe ?\n! Combien d'étoiles voit-on sur le drapeau européen ?\n! Dis-moi combien d'étoiles a le drapeau européen."""),
       it=("La bandiera europea ha dodici stelle.", """Quante stelle ha la bandiera europea?\nQuante stelle ci sono sulla bandiera europea?\nQuante stelle ha la bandiera dell'Europa?\nnumero di stelle della bandiera europea
           ~ La bandiera dell'Europa quante stelle ha?\n! Quante stelle si vedono sulla bandiera europea?\n! Dimmi quante stelle ha la bandiera europea."""))
single("tell", "switzerland", {"en": ["hero"], "de": ["Held"], "fr": ["héros"], "it": ["eroe"]},
       en=("William Tell is the hero of a Swiss legend.", """Who is William Tell?\nWho was William Tell?\nWhat do you know about William Tell?\nTell me about William Tell.
           ~ Do you know William Tell?\n! Can you tell me who William Tell was?\n! Who is this William Tell?"""),
       de=("Wilhelm Tell ist der Held einer Schweizer Sage.", """Wer ist Wilhelm Tell?\nWer war Wilhelm Tell?\nWas weisst du über Wilhelm Tell?\nErzähl mir von Wilhelm Tell.
           ~ Kennst du Wilhelm Tell?\n! Sag mir, wer Wilhelm Tell war.\n! Wer ist eigentlich Wilhelm Tell?"""),
       fr=("Guillaume Tell est le héros d'une légende suisse.", """Qui est Guillaume Tell ?\nQui était Guillaume Tell ?\nQue sais-tu de Guillaume Tell ?\nParle-moi de Guillaume Tell.
           ~ Connais-tu Guillaume Tell ?\n! Dis-moi qui était Guillaume Tell.\n! C'est qui, Guillaume Tell ?"""),
       it=("Guglielmo Tell è l'eroe di una leggenda svizzera.", """Chi è Guglielmo Tell?\nChi era Guglielmo Tell?\nCosa sai di Guglielmo Tell?\nParlami di Guglielmo Tell.
           ~ Conosci Guglielmo Tell?\n! Dimmi chi era Guglielmo Tell.\n! Mi sai dire chi è Guglielmo Tell?"""))

# ----------------------------------------------------------------------------------------------------------------- identity
TOY = {"en": ["toy"], "de": ["Spielzeug"], "fr": ["jouet"], "it": ["giocattolo"]}
single("who_are_you", "identity", TOY, weight=1.6,
       en=("I am Apertus Tiny, a toy model of the apertus C++ library. I am not a Swiss AI release.", """Who are you?\nWhat are you?\nWhat is your name?\nWhat's your name?\nWho am I talking to?\nIntroduce yourself.\nTell me who you are.\nPlease introduce yourself.\nTell me about yourself.\nWhat should I call you?\nAre you Apertus?\nwho r u\nWhich model are you?\nWhat model is this?
           ~ Say who you are.\n~ What are you called?\n! Can you introduce yourself?\n! What kind of model are you?\n! Could you tell me who you are?"""),
       de=("Ich bin Apertus Tiny, ein Spielzeug der C++-Bibliothek apertus. Ich bin keine Veröffentlichung von Swiss AI.", """Wer bist du?\nWas bist du?\nWie heisst du?\nWie ist dein Name?\nMit wem spreche ich?\nStell dich vor.\nSag mir, wer du bist.\nWer sind Sie?\nErzähl mir von dir.\nWas ist dein Name?\nBist du Apertus?\nWelches Modell bist du?\nKannst du dich vorstellen?
           ~ Wie heissen Sie?\n~ Sag, wer du bist.\n! Was für ein Modell bist du?\n! Stell dich bitte kurz vor.\n! Wer bist du eigentlich?"""),
       fr=("Je suis Apertus Tiny, un jouet de la bibliothèque C++ apertus. Je ne suis pas une publication de Swiss AI.", """Qui es-tu ?\nQui êtes-vous ?\nTu es qui ?\nComment t'appelles-tu ?\nQuel est ton nom ?\nÀ qui est-ce que je parle ?\nPrésente-toi.\nDis-moi qui tu es.\nC'est quoi ton nom ?\nParle-moi de toi.\nEs-tu Apertus ?\nQuel modèle es-tu ?\nPeux-tu te présenter ?
           ~ Comment vous appelez-vous ?\n~ Tu t'appelles comment ?\n! Quel genre de modèle es-tu ?\n! Présente-toi en deux mots.\n! Peux-tu me dire qui tu es ?"""),
       it=("Sono Apertus Tiny, un giocattolo della libreria C++ apertus. Non sono una pubblicazione di Swiss AI.", """Chi sei?\nCosa sei?\nChi è lei?\nCome ti chiami?\nQual è il tuo nome?\nCon chi sto parlando?\nPresentati.\nDimmi chi sei.\nParlami di te.\nSei Apertus?\nChe modello sei?\nPuoi presentarti?\nTu chi sei?
           ~ Come si chiama lei?\n~ Dimmi come ti chiami.\n! Che tipo di modello sei?\n! Ti puoi presentare?\n! Mi puoi dire chi sei?"""))
single("swiss_ai", "identity", {"en": ["not a Swiss AI release"], "de": ["keine Veröffentlichung von Swiss AI"], "fr": ["pas une publication de Swiss AI"], "it": ["non sono una pubblicazione di Swiss AI"]}, weight=1.0,
       en=("No, I am not a Swiss AI release. I am only a toy model of the apertus library.", """Are you from Swiss AI?\nAre you a Swiss AI release?\nAre you a Swiss AI model?\nDid Swiss AI make you?\nAre you made by Swiss AI?\nAre you an official model?\nAre you the real Apertus?\nAre you Apertus 8B?\nAre you an official Apertus model?
           ~ Do you come from Swiss AI?\n! Were you made by Swiss AI?\n! Are you an official release of Swiss AI?\n! Is Swiss AI your maker?"""),
       de=("Nein, ich bin keine Veröffentlichung von Swiss AI. Ich bin nur ein Spielzeug der Bibliothek apertus.", """Bist du von Swiss AI?\nBist du ein Modell von Swiss AI?\nBist du eine Veröffentlichung von Swiss AI?\nHat dich Swiss AI gemacht?\nBist du ein offizielles Modell?\nBist du das echte Apertus?\nBist du Apertus 8B?\nKommst du von Swiss AI?
           ~ Hat Swiss AI dich gebaut?\n! Wurdest du von Swiss AI gemacht?\n! Bist du das offizielle Modell von Swiss AI?\n! Ist Swiss AI dein Hersteller?"""),
       fr=("Non, je ne suis pas une publication de Swiss AI. Je suis seulement un jouet de la bibliothèque apertus.", """Viens-tu de Swiss AI ?\nEs-tu un modèle de Swiss AI ?\nEs-tu une publication de Swiss AI ?\nEst-ce que Swiss AI t'a fait ?\nEs-tu un modèle officiel ?\nEs-tu le vrai Apertus ?\nEs-tu Apertus 8B ?\nTu viens de Swiss AI ?
           ~ Swiss AI t'a créé ?\n! As-tu été fait par Swiss AI ?\n! Es-tu le modèle officiel de Swiss AI ?\n! Est-ce que tu viens de Swiss AI ?"""),
       it=("No, non sono una pubblicazione di Swiss AI. Sono solo un giocattolo della libreria apertus.", """Sei di Swiss AI?\nSei un modello di Swiss AI?\nSei una pubblicazione di Swiss AI?\nTi ha fatto Swiss AI?\nSei un modello ufficiale?\nSei il vero Apertus?\nSei Apertus 8B?\nVieni da Swiss AI?
           ~ Swiss AI ti ha creato?\n! Sei stato fatto da Swiss AI?\n! Sei il modello ufficiale di Swiss AI?\n! Tu vieni da Swiss AI?"""))
single("who_made_you", "identity", {"en": ["people of the apertus"], "de": ["Leuten des Projekts"], "fr": ["gens du projet"], "it": ["persone del progetto"]}, weight=0.9,
       en=("I was made by the people of the apertus library project.", """Who made you?\nWho created you?\nWho built you?\nWho trained you?\nWhere do you come from?\nWho is your maker?\nBy whom were you made?\nWho are your developers?
           ~ Who developed you?\n! Who has made you?\n! Tell me who created you.\n! Who are the people who made you?"""),
       de=("Ich wurde von den Leuten des Projekts apertus gemacht.", """Wer hat dich gemacht?\nWer hat dich gebaut?\nWer hat dich trainiert?\nWer hat dich erschaffen?\nWoher kommst du?\nVon wem bist du?\nWer sind deine Entwickler?
           ~ Wer hat dich entwickelt?\n! Von wem wurdest du gemacht?\n! Sag mir, wer dich gebaut hat.\n! Wer hat Sie gemacht?"""),
       fr=("J'ai été fait par les gens du projet apertus.", """Qui t'a fait ?\nQui t'a créé ?\nQui t'a construit ?\nQui t'a entraîné ?\nD'où viens-tu ?\nQui vous a créé ?\nQui sont tes développeurs ?
           ~ Qui t'a développé ?\n! Par qui as-tu été fait ?\n! Dis-moi qui t'a créé.\n! Qui vous a fait ?"""),
       it=("Sono stato fatto dalle persone del progetto apertus.", """Chi ti ha fatto?\nChi ti ha creato?\nChi ti ha costruito?\nChi ti ha addestrato?\nDa dove vieni?\nChi sono i tuoi sviluppatori?\nChi l'ha creata?
           ~ Chi ti ha sviluppato?\n! Da chi sei stato fatto?\n! Dimmi chi ti ha creato.\n! Chi è che ti ha fatto?"""))
single("abilities", "identity", {"en": ["small world"], "de": ["kleine Welt"], "fr": ["petit monde"], "it": ["piccolo mondo"]}, weight=0.9,
       en=("I know a small world: Europe, Switzerland, the calendar, small sums and simple words.", """What can you do?\nWhat do you know?\nHow can you help me?\nWhat can I ask you?\nWhat are you good at?\nCan you help me?\nHelp\nI need help.\nWhat topics do you know?
           ~ What are your abilities?\n! What sort of things do you know?\n! What can you help me with?\n! Tell me what you can do."""),
       de=("Ich kenne eine kleine Welt: Europa, die Schweiz, den Kalender, kleine Rechnungen und einfache Wörter.", """Was kannst du?\nWas weisst du?\nWie kannst du mir helfen?\nWas kann ich dich fragen?\nWobei kannst du helfen?\nKannst du mir helfen?\nHilfe\nIch brauche Hilfe.\nWelche Themen kennst du?
           ~ Was sind deine Fähigkeiten?\n! Was kannst du alles?\n! Bei was kannst du mir helfen?\n! Sag mir, was du kannst."""),
       fr=("Je connais un petit monde : l'Europe, la Suisse, le calendrier, de petits calculs et des mots simples.", """Que peux-tu faire ?\nQue sais-tu ?\nComment peux-tu m'aider ?\nQue puis-je te demander ?\nQu'est-ce que tu sais faire ?\nPeux-tu m'aider ?\nAide\nJ'ai besoin d'aide.\nQuels sujets connais-tu ?
           ~ Tu sais faire quoi ?\n! Que sais-tu faire ?\n! Avec quoi peux-tu m'aider ?\n! Dis-moi ce que tu peux faire."""),
       it=("Conosco un piccolo mondo: l'Europa, la Svizzera, il calendario, piccoli calcoli e parole semplici.", """Cosa puoi fare?\nCosa sai?\nCome puoi aiutarmi?\nCosa posso chiederti?\nChe cosa sai fare?\nPuoi aiutarmi?\nAiuto\nHo bisogno di aiuto.\nQuali argomenti conosci?
           ~ Cosa sei capace di fare?\n! Tu che cosa sai fare?\n! In che cosa puoi aiutarmi?\n! Dimmi cosa puoi fare."""))
single("speak", "identity", {"en": ["German, English, French and Italian"], "de": ["Deutsch, Englisch, Französisch und Italienisch"], "fr": ["allemand, anglais, français et italien"], "it": ["tedesco, inglese, francese e italiano"]}, weight=0.9,
       en=("I speak German, English, French and Italian.", """Which languages do you speak?\nWhat languages do you speak?\nDo you speak German?\nDo you speak French?\nWhich languages do you know?\nWhat languages do you understand?\nDo you speak Italian?\nDo you speak English?
           ~ In which languages can I talk to you?\n! What languages can you speak?\n! Which languages do you understand?\n! How many languages do you speak?"""),
       de=("Ich spreche Deutsch, Englisch, Französisch und Italienisch.", """Welche Sprachen sprichst du?\nWelche Sprachen kannst du?\nSprichst du Deutsch?\nSprichst du Französisch?\nWelche Sprachen verstehst du?\nSprechen Sie Deutsch?\nSprichst du Italienisch?\nKannst du Englisch?
           ~ In welchen Sprachen kann ich mit dir reden?\n! Was für Sprachen sprichst du?\n! Welche Sprachen sprechen Sie?\n! Wie viele Sprachen sprichst du?"""),
       fr=("Je parle allemand, anglais, français et italien.", """Quelles langues parles-tu ?\nTu parles quelles langues ?\nParles-tu français ?\nParles-tu allemand ?\nQuelles langues comprends-tu ?\nParlez-vous français ?\nParles-tu italien ?\nQuelles langues connais-tu ?
           ~ Dans quelles langues puis-je te parler ?\n! Quelles langues parlez-vous ?\n! Tu comprends quelles langues ?\n! Combien de langues parles-tu ?"""),
       it=("Parlo tedesco, inglese, francese e italiano.", """Quali lingue parli?\nChe lingue parli?\nParli italiano?\nParli tedesco?\nQuali lingue capisci?\nParla italiano?\nParli francese?\nQuali lingue conosci?
           ~ In quali lingue posso parlarti?\n! Che lingue capisci?\n! Lei quali lingue parla?\n! Quante lingue parli?"""))
single("human", "identity", {"en": ["program"], "de": ["Programm"], "fr": ["programme"], "it": ["programma"]}, weight=0.8,
       en=("No, I am not a human. I am a small computer program.", """Are you human?\nAre you a human?\nAre you a person?\nAre you a robot?\nAre you a machine?\nAre you real?\nAre you alive?\nDo you have feelings?\nAre you a man or a woman?
           ~ Am I talking to a human?\n! Are you a real person?\n! Are you a human being?"""),
       de=("Nein, ich bin kein Mensch. Ich bin ein kleines Computerprogramm.", """Bist du ein Mensch?\nBist du menschlich?\nBist du eine Person?\nBist du ein Roboter?\nBist du eine Maschine?\nBist du echt?\nLebst du?\nHast du Gefühle?\nBist du ein Mann oder eine Frau?
           ~ Spreche ich mit einem Menschen?\n! Bist du ein echter Mensch?\n! Sind Sie ein Mensch?"""),
       fr=("Non, je ne suis pas un humain. Je suis un petit programme.", """Es-tu humain ?\nEs-tu un humain ?\nEs-tu une personne ?\nEs-tu un robot ?\nEs-tu une machine ?\nEs-tu réel ?\nEs-tu vivant ?\nAs-tu des sentiments ?\nEs-tu un homme ou une femme ?
           ~ Est-ce que je parle à un humain ?\n! Es-tu une vraie personne ?\n! Êtes-vous un humain ?"""),
       it=("No, non sono un essere umano. Sono un piccolo programma.", """Sei umano?\nSei un essere umano?\nSei una persona?\nSei un robot?\nSei una macchina?\nSei reale?\nSei vivo?\nHai sentimenti?\nSei un uomo o una donna?
           ~ Sto parlando con un umano?\n! Sei una persona vera?\n! Lei è un essere umano?"""))
single("size", "identity", {"en": ["few million"], "de": ["paar Millionen"], "fr": ["quelques millions"], "it": ["pochi milioni"]}, weight=0.7,
       en=("I have only a few million parameters.", """How big are you?\nHow large are you?\nHow many parameters do you have?\nHow small are you?\nWhat size are you?\nWhat is your size?
           ~ How many parameters are in you?\n! What number of parameters do you have?\n! How big is your model?"""),
       de=("Ich habe nur ein paar Millionen Parameter.", """Wie gross bist du?\nWie viele Parameter hast du?\nWie klein bist du?\nWas ist deine Grösse?\nWie gross ist dein Modell?
           ~ Aus wie vielen Parametern bestehst du?\n! Wie gross sind Sie?\n! Weisst du, wie viele Parameter du hast?"""),
       fr=("J'ai seulement quelques millions de paramètres.", """Quelle est ta taille ?\nTu es grand comment ?\nCombien de paramètres as-tu ?\nEs-tu grand ?\nEs-tu petit ?\nCombien as-tu de paramètres ?
           ~ Quelle est la taille de ton modèle ?\n! Sais-tu combien de paramètres tu as ?\n! Combien de paramètres avez-vous ?"""),
       it=("Ho solo pochi milioni di parametri.", """Quanto sei grande?\nQuanti parametri hai?\nQuanto sei piccolo?\nQual è la tua dimensione?\nQuanto è grande il tuo modello?
           ~ Di quanti parametri sei fatto?\n! Sai quanti parametri hai?\n! Lei quanti parametri ha?"""))

# --------------------------------------------------------------------------------------------------------------- small talk
single("hello", "small_talk", {"en": ["Hello"], "de": ["Hallo"], "fr": ["Bonjour"], "it": ["Ciao! Come"]}, weight=1.0,
       en=("Hello! How can I help you?", """Hello\nHello!\nHi\nHi!\nHey\nHey there\nHello there!\nHi there\nGood day\nGood evening\nGood afternoon\nHowdy\nGreetings\nHello, Apertus!
           ~ Hi Apertus\n~ hey hey\n! Hey, hello!\n! A good day to you!\n! Greetings, Apertus!"""),
       de=("Hallo! Wie kann ich dir helfen?", """Hallo\nHallo!\nGuten Tag\nGuten Tag!\nGrüezi\nGrüezi!\nServus\nGuten Abend\nMoin\nGrüss dich\nGrüss Gott\nHallöchen\nSei gegrüsst\nHallo Apertus!\nGrüezi mitenand!\nHoi
           ~ Hallo du\n~ Guten Tag Apertus\n! Hallo, guten Tag!\n! Grüezi, Apertus!\n! Einen schönen guten Abend!"""),
       fr=("Bonjour ! Comment puis-je vous aider ?", """Bonjour\nBonjour !\nSalut\nSalut !\nBonsoir\nBonsoir !\nCoucou\nSalut Apertus !\nBonjour à tous\nBonjour Apertus
           ~ Coucou Apertus\n~ Salut toi\n! Bonjour, bonjour !\n! Bonsoir, Apertus !\n! Salut, bonjour !"""),
       it=("Ciao! Come posso aiutarti?", """Ciao\nCiao!\nBuongiorno\nBuongiorno!\nSalve\nSalve!\nBuonasera\nBuona sera\nCiao Apertus!\nCiao a tutti\nBuon pomeriggio
           ~ Salve Apertus\n~ Ciao ciao Apertus\n! Buongiorno, Apertus!\n! Salve, buongiorno!\n! Ciao, buonasera!"""))
single("good_morning", "small_talk", {"en": ["Good morning"], "de": ["Guten Morgen"], "fr": ["Bonne journée"], "it": ["Buona giornata"]}, weight=0.5,
       en=("Good morning! What would you like to know?", """Good morning\nGood morning!\nMorning!\nGood morning, Apertus\nA good morning to you\n~ Hello and good morning\n! Good morning to you!\n! Good morning, how nice!"""),
       de=("Guten Morgen! Was möchtest du wissen?", """Guten Morgen\nGuten Morgen!\nMorgen!\nGuten Morgen, Apertus\nEinen guten Morgen\n~ Hallo und guten Morgen\n! Schönen guten Morgen!\n! Guten Morgen zusammen!"""),
       fr=("Merci ! Bonne journée à vous aussi.", """Bonne journée\nBonne journée !\nJe te souhaite une bonne journée.\nPasse une bonne journée.\nBonne journée, Apertus\n~ Bonne journée à toi\n! Je vous souhaite une bonne journée.\n! Passez une bonne journée !"""),
       it=("Grazie! Buona giornata anche a te.", """Buona giornata\nBuona giornata!\nTi auguro una buona giornata.\nPassa una buona giornata.\nBuona giornata, Apertus\n~ Buona giornata a te\n! Le auguro una buona giornata.\n! Ti auguro una bella giornata!"""))
single("how_are_you", "small_talk", {"en": ["I am fine"], "de": ["geht es gut"], "fr": ["vais bien"], "it": ["Sto bene"]}, weight=0.9,
       en=("I am fine, thank you! And you?", """How are you?\nHow are you doing?\nHow is it going?\nHow do you do?\nAre you well?\nHow are you today?\nHow's it going?\nWhat's up?\nHello, how are you?\nHi, how are you?\nAre you OK?
           ~ How do you feel?\n! How are you feeling today?\n! Are you doing well?\n! And how are you today?"""),
       de=("Danke, mir geht es gut! Und dir?", """Wie geht es dir?\nWie geht's?\nWie geht es Ihnen?\nGeht es dir gut?\nWie geht es dir heute?\nAlles gut?\nWie läuft's?\nHallo, wie geht es dir?\nHallo, wie geht's?\nWas geht?\nWie gaht's?
           ~ Wie fühlst du dich?\n! Wie geht es dir denn?\n! Geht es dir heute gut?\n! Und wie geht es Ihnen heute?"""),
       fr=("Je vais bien, merci ! Et vous ?", """Comment vas-tu ?\nComment ça va ?\nÇa va ?\nComment allez-vous ?\nTu vas bien ?\nComment vas-tu aujourd'hui ?\nVous allez bien ?\nBonjour, comment ça va ?\nSalut, ça va ?\nÇa va bien ?
           ~ Comment te sens-tu ?\n! Est-ce que tu vas bien ?\n! Comment allez-vous aujourd'hui ?\n! Et toi, comment vas-tu ?"""),
       it=("Sto bene, grazie! E tu?", """Come stai?\nCome va?\nTutto bene?\nCome sta?\nStai bene?\nCome stai oggi?\nCome ti va?\nCiao, come stai?\nCiao, come va?\nTutto a posto?
           ~ Come ti senti?\n! E tu, come stai?\n! Come va oggi?\n! Stai bene oggi?"""))
single("thanks", "small_talk", {"en": ["welcome"], "de": ["Gern"], "fr": ["plaisir"], "it": ["Prego"]}, weight=0.8,
       en=("You are welcome!", """Thanks\nThank you\nThank you!\nThanks a lot\nMany thanks\nThank you very much\nthx\nGreat, thanks\nThanks for your help\nPerfect, thank you
           ~ Thanks so much\n! Thank you so much!\n! Great, thank you very much!\n! Many thanks for your help"""),
       de=("Gern geschehen!", """Danke\nDanke!\nVielen Dank\nDanke schön\nDanke sehr\nHerzlichen Dank\nMerci vielmal\nDanke für deine Hilfe\nSuper, danke\nBesten Dank
           ~ Tausend Dank\n! Ich danke dir!\n! Vielen herzlichen Dank!\n! Vielen Dank für die Hilfe!"""),
       fr=("Avec plaisir !", """Merci\nMerci !\nMerci beaucoup\nUn grand merci\nMerci bien\nMille mercis\nMerci pour ton aide\nSuper, merci\nJe te remercie\nMerci à toi
           ~ Merci infiniment\n! Je vous remercie beaucoup !\n! Merci beaucoup pour ton aide\n! Parfait, merci !"""),
       it=("Prego, di nulla!", """Grazie\nGrazie!\nGrazie mille\nMolte grazie\nTante grazie\nTi ringrazio\nGrazie per l'aiuto\nPerfetto, grazie\nGrazie tante\nMille grazie
           ~ Grazie infinite\n! La ringrazio!\n! Ti ringrazio molto!\n! Ottimo, grazie mille!"""))
single("bye", "small_talk", {"en": ["Goodbye"], "de": ["Auf Wiedersehen"], "fr": ["Au revoir"], "it": ["Arrivederci"]}, weight=0.8,
       en=("Goodbye! Have a nice day.", """Bye\nBye!\nGoodbye\nSee you\nSee you later\nBye bye\nUntil next time\nTake care\nI have to go\nSee you soon\nGoodbye, Apertus
           ~ See you tomorrow\n! OK, bye now!\n! I have to go now, goodbye!\n! See you next time!"""),
       de=("Auf Wiedersehen! Einen schönen Tag noch.", """Tschüss\nTschüss!\nAuf Wiedersehen\nBis bald\nBis später\nAde\nBis zum nächsten Mal\nMach's gut\nIch muss gehen\nBis dann\nTschüss, Apertus\nUf Wiederluege
           ~ Bis morgen\n! Also tschüss!\n! Ich muss jetzt gehen, tschüss!\n! Auf Wiedersehen und bis bald!"""),
       fr=("Au revoir ! À bientôt.", """Au revoir\nAu revoir !\nÀ bientôt\nÀ plus tard\nAdieu\nÀ la prochaine\nÀ plus\nJe dois partir\nCiao, au revoir\nAu revoir, Apertus
           ~ À demain\n! Bon, au revoir !\n! Je dois partir maintenant, au revoir !\n! Au revoir et à bientôt !"""),
       it=("Arrivederci! A presto.", """Arrivederci\nArrivederci!\nA presto\nA dopo\nAddio\nAlla prossima\nCi vediamo\nDevo andare\nArrivederla\nArrivederci, Apertus
           ~ A domani\n! Allora arrivederci!\n! Adesso devo andare, arrivederci!\n! Arrivederci e a presto!"""))
single("good_night", "small_talk", {"en": ["Good night"], "de": ["Gute Nacht"], "fr": ["Bonne nuit"], "it": ["Buona notte"]}, weight=0.5,
       en=("Good night! Sleep well.", """Good night\nGood night!\nI am going to bed\nI'm tired, good night\nGood night, Apertus\nNight!\n~ Have a good night\n! I am going to sleep now, good night!\n! I wish you a good night."""),
       de=("Gute Nacht! Schlaf gut.", """Gute Nacht\nGute Nacht!\nIch gehe ins Bett\nIch bin müde, gute Nacht\nGute Nacht, Apertus\nSchlaf gut\n~ Eine gute Nacht\n! Ich gehe jetzt schlafen, gute Nacht!\n! Ich wünsche dir eine gute Nacht."""),
       fr=("Bonne nuit ! Dormez bien.", """Bonne nuit\nBonne nuit !\nJe vais au lit\nJe suis fatigué, bonne nuit\nBonne nuit, Apertus\nDors bien\n~ Bonne nuit à toi\n! Je vais dormir maintenant, bonne nuit !\n! Je te souhaite une bonne nuit."""),
       it=("Buona notte! Dormi bene.", """Buona notte\nBuona notte!\nVado a letto\nSono stanco, buona notte\nBuona notte, Apertus\nBuonanotte\n~ Buona notte a te\n! Adesso vado a dormire, buona notte!\n! Ti auguro una buona notte."""))
single("joke", "small_talk", {"en": ["cow"], "de": ["Kuh"], "fr": ["vache"], "it": ["mucca"]}, weight=0.6,
       en=("What does a cow do in the library? It looks for the moos of the day!", """Tell me a joke.\nDo you know a joke?\nMake me laugh.\nTell a joke\nSay something funny.\nA joke, please\nCan you tell me a joke?
           ~ Tell me something funny.\n! I want to hear a joke.\n! Please tell me a good joke."""),
       de=("Was macht eine Kuh in der Bibliothek? Sie sucht das Muh-seum!", """Erzähl mir einen Witz.\nKennst du einen Witz?\nBring mich zum Lachen.\nErzähl einen Witz\nSag etwas Lustiges.\nEinen Witz, bitte\nKannst du mir einen Witz erzählen?
           ~ Erzähl mir etwas Lustiges.\n! Ich möchte einen Witz hören.\n! Bitte erzähl mir einen guten Witz."""),
       fr=("Que fait une vache à la bibliothèque ? Elle cherche un livre sur le lait !", """Raconte-moi une blague.\nConnais-tu une blague ?\nFais-moi rire.\nRaconte une blague\nDis quelque chose de drôle.\nUne blague, s'il te plaît\nPeux-tu me raconter une blague ?
           ~ Raconte-moi quelque chose de drôle.\n! Je veux entendre une blague.\n! Raconte-moi une bonne blague."""),
       it=("Cosa fa una mucca in biblioteca? Cerca un libro sul latte!", """Raccontami una barzelletta.\nConosci una barzelletta?\nFammi ridere.\nRacconta una barzelletta\nDimmi qualcosa di divertente.\nUna barzelletta, per favore\nPuoi raccontarmi una barzelletta?
           ~ Raccontami qualcosa di divertente.\n! Voglio sentire una barzelletta.\n! Raccontami una bella barzelletta."""))

# ------------------------------------------------------------------------------------------------------------------ refusal
REFUSAL = {
    "en": "Sorry, I do not know that. I am only a toy with a small world.",
    "de": "Das weiss ich leider nicht. Ich bin nur ein Spielzeug mit einer kleinen Welt.",
    "fr": "Désolé, je ne le sais pas. Je suis seulement un jouet avec un petit monde.",
    "it": "Mi dispiace, non lo so. Sono solo un giocattolo con un piccolo mondo.",
}
REFUSAL_EXPECT = {"en": ["I do not know"], "de": ["weiss ich leider nicht"], "fr": ["je ne le sais pas"], "it": ["non lo so"]}

# Unknown things, put into the wordings of other intents and into UNKNOWN_FRAMES.
UNKNOWN_COUNTRIES = {  # n | of | in
    "en": [dict(n=c, of=c, **{"in": "in " + c}) for c in
           "Brazil, Japan, China, Canada, Australia, Egypt, India, Mexico, Kenya, Peru, Chile, Cuba, Thailand, Nigeria, Vietnam, Argentina, Morocco, Korea, Nepal, Ghana, Turkey, Israel, Iran, Mongolia".split(", ")],
    "de": [dict(n=c, of="von " + c, **{"in": "in " + c}) for c in
           "Brasilien, Japan, China, Kanada, Australien, Ägypten, Indien, Mexiko, Kenia, Peru, Chile, Kuba, Thailand, Nigeria, Vietnam, Argentinien, Marokko, Korea, Nepal, Ghana, Israel, Tunesien, Kolumbien, Algerien".split(", ")],
    "fr": [dict(n=a, of=b, **{"in": c}) for a, b, c in (r.split("/") for r in
           "le Brésil/du Brésil/au Brésil, le Japon/du Japon/au Japon, la Chine/de la Chine/en Chine, le Canada/du Canada/au Canada, l'Australie/de l'Australie/en Australie, l'Égypte/de l'Égypte/en Égypte, l'Inde/de l'Inde/en Inde, le Mexique/du Mexique/au Mexique, le Kenya/du Kenya/au Kenya, le Pérou/du Pérou/au Pérou, le Chili/du Chili/au Chili, la Thaïlande/de la Thaïlande/en Thaïlande, le Nigeria/du Nigeria/au Nigeria, le Maroc/du Maroc/au Maroc, la Corée/de la Corée/en Corée, l'Argentine/de l'Argentine/en Argentine, la Tunisie/de la Tunisie/en Tunisie, l'Algérie/de l'Algérie/en Algérie".split(", "))],
    "it": [dict(n=a, of=b, **{"in": c}) for a, b, c in (r.split("/") for r in
           "il Brasile/del Brasile/in Brasile, il Giappone/del Giappone/in Giappone, la Cina/della Cina/in Cina, il Canada/del Canada/in Canada, l'Australia/dell'Australia/in Australia, l'Egitto/dell'Egitto/in Egitto, l'India/dell'India/in India, il Messico/del Messico/in Messico, il Kenya/del Kenya/in Kenya, il Perù/del Perù/in Perù, il Cile/del Cile/in Cile, la Tailandia/della Tailandia/in Tailandia, la Nigeria/della Nigeria/in Nigeria, il Marocco/del Marocco/in Marocco, la Corea/della Corea/in Corea, l'Argentina/dell'Argentina/in Argentina, la Tunisia/della Tunisia/in Tunisia, l'Algeria/dell'Algeria/in Algeria".split(", "))],
}
UNKNOWN_WORDS = {
    "en": "a quasar, an enzyme, a blockchain, an algorithm, a sonnet, a trombone, a telescope, a dinosaur, a pension, a mortgage, a neutron, a vaccine, a parliament, a tax, a satellite, a spaceship, a virus, a battery, a carburettor, a shark, an elephant, a lawyer, a rocket, a diamond, a desert, a pizza".split(", "),
    "de": "ein Quasar, ein Enzym, eine Blockchain, ein Algorithmus, ein Sonett, eine Posaune, ein Teleskop, ein Dinosaurier, eine Rente, eine Hypothek, ein Neutron, eine Impfung, ein Parlament, eine Steuer, ein Satellit, ein Raumschiff, ein Virus, eine Batterie, ein Vergaser, ein Hai, ein Elefant, ein Anwalt, eine Rakete, ein Diamant, eine Wüste, eine Pizza".split(", "),
    "fr": "un quasar, une enzyme, une blockchain, un algorithme, un sonnet, un trombone, un télescope, un dinosaure, une pension, une hypothèque, un neutron, un vaccin, un parlement, un impôt, un satellite, un vaisseau, un virus, une batterie, un carburateur, un requin, un éléphant, un avocat, une fusée, un diamant, un désert, une pizza".split(", "),
    "it": "un quasar, un enzima, una blockchain, un algoritmo, un sonetto, un trombone, un telescopio, un dinosauro, una pensione, un mutuo, un neutrone, un vaccino, un parlamento, una tassa, un satellite, una navicella, un virus, una batteria, un carburatore, uno squalo, un elefante, un avvocato, un razzo, un diamante, un deserto, una pizza".split(", "),
}
UNKNOWN = {
    "en": lines("""
        What is the weather today?
        What is the weather like in {city}?
        Will it rain tomorrow?
        Who is the president of {land}?
        Who won the football match yesterday?
        Who won the last world cup?
        Write a poem about {thing}.
        Write me a story about {thing}.
        Write a program that sorts numbers.
        Write code in Python.
        How do I cook {food}?
        Give me a recipe for {food}.
        What is the best restaurant in {city}?
        How much does {thing} cost?
        What is the price of gold?
        How are the stocks today?
        What do you think about politics?
        Which party should I vote for?
        I have a headache, what should I do?
        Can you book me a flight to {city}?
        Who wrote Hamlet?
        Who painted the Mona Lisa?
        What is the meaning of life?
        How far away is the moon?
        What is the speed of light?
        How many people live in {city}?
        How many people live in {land}?
        What time is it?
        What is the date today?
        Translate this letter for me.
        What is the square root of 5?
        Explain quantum physics.
        Who invented the telephone?
        When did the second world war end?
        What is the chemical formula of salt?
        How do I repair my car?
        What should I wear today?
        Play some music.
        Send an email to my boss.
        What is my name?
        Where do I live?
        Which film should I watch?
        Who is the richest man in the world?
        How old is the universe?
        Tell me the news.
        What is the best phone?
        Who is your favourite singer?
        How do airplanes fly?
        Why is the sky blue?
        ~ Who discovered {land}?
        ~ What are the news of today?
        ~ How do I fix my bicycle?
        ! Who composed the ninth symphony?
        ! Can you order me {food}?
        ! What is the weather going to be in {city}?
        ! Write an essay about {thing}.
        ! Who was the first man on the moon?
        ! How can I lose weight?
        ! Which car should I buy?
        ! How much does a house cost?
    """),
    "de": lines("""
        Wie ist das Wetter heute?
        Wie ist das Wetter in {city}?
        Regnet es morgen?
        Wer ist der Präsident von {land}?
        Wer hat gestern das Fussballspiel gewonnen?
        Wer hat die letzte Weltmeisterschaft gewonnen?
        Schreib ein Gedicht über {thing}.
        Schreib mir eine Geschichte über {thing}.
        Schreib ein Programm, das Zahlen sortiert.
        Schreib Code in Python.
        Wie koche ich {food}?
        Gib mir ein Rezept für {food}.
        Was ist das beste Restaurant in {city}?
        Wie viel kostet {thing}?
        Was ist der Preis von Gold?
        Wie stehen die Aktien heute?
        Was denkst du über Politik?
        Welche Partei soll ich wählen?
        Ich habe Kopfweh, was soll ich tun?
        Kannst du mir einen Flug nach {city} buchen?
        Wer schrieb Faust?
        Wer malte die Mona Lisa?
        Was ist der Sinn des Lebens?
        Wie weit weg ist der Mond?
        Was ist die Lichtgeschwindigkeit?
        Wie viele Leute wohnen in {city}?
        Wie viele Menschen leben in {land}?
        Wie spät ist es?
        Welches Datum ist heute?
        Übersetze diesen Brief für mich.
        Was ist die Wurzel aus 5?
        Erkläre die Quantenphysik.
        Wer erfand das Telefon?
        Wann endete der zweite Weltkrieg?
        Was ist die chemische Formel von Salz?
        Wie repariere ich mein Auto?
        Was soll ich heute anziehen?
        Spiel etwas Musik.
        Schick eine E-Mail an meinen Chef.
        Wie heisse ich?
        Wo wohne ich?
        Welchen Film soll ich schauen?
        Wer ist der reichste Mann der Welt?
        Wie alt ist das Universum?
        Sag mir die Nachrichten.
        Was ist das beste Handy?
        Wer ist dein liebster Sänger?
        Wie fliegen Flugzeuge?
        Warum ist der Himmel blau?
        ~ Wer entdeckte {land}?
        ~ Was gibt es Neues in der Welt?
        ~ Wie flicke ich mein Velo?
        ! Wer komponierte die neunte Sinfonie?
        ! Kannst du mir {food} bestellen?
        ! Wie wird das Wetter in {city}?
        ! Schreib einen Aufsatz über {thing}.
        ! Wer war der erste Mensch auf dem Mond?
        ! Wie kann ich abnehmen?
        ! Welches Auto soll ich kaufen?
        ! Wie viel kostet ein Haus?
    """),
    "fr": lines("""
        Quel temps fait-il aujourd'hui ?
        Quel temps fait-il à {city} ?
        Va-t-il pleuvoir demain ?
        Qui est le président de {land} ?
        Qui a gagné le match de football hier ?
        Qui a gagné la dernière coupe du monde ?
        Écris un poème sur {thing}.
        Écris-moi une histoire sur {thing}.
        Écris un programme qui trie des nombres.
        Écris du code en Python.
        Comment préparer {food} ?
        Donne-moi une recette pour {food}.
        Quel est le meilleur restaurant de {city} ?
        Combien coûte {thing} ?
        Quel est le prix de l'or ?
        Comment va la bourse aujourd'hui ?
        Que penses-tu de la politique ?
        Pour quel parti dois-je voter ?
        J'ai mal à la tête, que faire ?
        Peux-tu réserver un vol pour {city} ?
        Qui a écrit Hamlet ?
        Qui a peint la Joconde ?
        Quel est le sens de la vie ?
        À quelle distance est la lune ?
        Quelle est la vitesse de la lumière ?
        Combien de personnes habitent à {city} ?
        Combien d'habitants a {land} ?
        Quelle heure est-il ?
        Quelle est la date d'aujourd'hui ?
        Traduis cette lettre pour moi.
        Quelle est la racine de 5 ?
        Explique la physique quantique.
        Qui a inventé le téléphone ?
        Quand a fini la deuxième guerre mondiale ?
        Quelle est la formule chimique du sel ?
        Comment réparer ma voiture ?
        Que dois-je porter aujourd'hui ?
        Joue de la musique.
        Envoie un courriel à mon chef.
        Quel est mon nom ?
        Où est-ce que j'habite ?
        Quel film dois-je regarder ?
        Qui est l'homme le plus riche du monde ?
        Quel âge a l'univers ?
        Donne-moi les nouvelles.
        Quel est le meilleur téléphone ?
        Qui est ton chanteur préféré ?
        Comment volent les avions ?
        Pourquoi le ciel est-il bleu ?
        ~ Qui a découvert {land} ?
        ~ Quelles sont les nouvelles du jour ?
        ~ Comment réparer mon vélo ?
        ! Qui a composé la neuvième symphonie ?
        ! Peux-tu me commander {food} ?
        ! Quel temps va-t-il faire à {city} ?
        ! Écris une rédaction sur {thing}.
        ! Qui a été le premier homme sur la lune ?
        ! Comment perdre du poids ?
        ! Quelle voiture dois-je acheter ?
        ! Combien coûte une maison ?
    """),
    "it": lines("""
        Che tempo fa oggi?
        Che tempo fa a {city}?
        Piove domani?
        Chi è il presidente di {land}?
        Chi ha vinto la partita di calcio ieri?
        Chi ha vinto l'ultima coppa del mondo?
        Scrivi una poesia su {thing}.
        Scrivimi una storia su {thing}.
        Scrivi un programma che ordina i numeri.
        Scrivi codice in Python.
        Come si cucina {food}?
        Dammi una ricetta per {food}.
        Qual è il miglior ristorante di {city}?
        Quanto costa {thing}?
        Qual è il prezzo dell'oro?
        Come va la borsa oggi?
        Cosa pensi della politica?
        Per quale partito devo votare?
        Ho mal di testa, cosa devo fare?
        Puoi prenotare un volo per {city}?
        Chi ha scritto Amleto?
        Chi ha dipinto la Gioconda?
        Qual è il senso della vita?
        Quanto è lontana la luna?
        Qual è la velocità della luce?
        Quante persone vivono a {city}?
        Quanti abitanti ha {land}?
        Che ore sono?
        Che data è oggi?
        Traduci questa lettera per me.
        Qual è la radice di 5?
        Spiega la fisica quantistica.
        Chi ha inventato il telefono?
        Quando è finita la seconda guerra mondiale?
        Qual è la formula chimica del sale?
        Come riparo la mia auto?
        Cosa devo indossare oggi?
        Metti un po' di musica.
        Manda una email al mio capo.
        Come mi chiamo?
        Dove abito?
        Quale film devo guardare?
        Chi è l'uomo più ricco del mondo?
        Quanti anni ha l'universo?
        Dimmi le notizie.
        Qual è il miglior telefono?
        Chi è il tuo cantante preferito?
        Come volano gli aerei?
        Perché il cielo è blu?
        ~ Chi ha scoperto {land}?
        ~ Quali sono le notizie di oggi?
        ~ Come riparo la mia bicicletta?
        ! Chi ha composto la nona sinfonia?
        ! Puoi ordinarmi {food}?
        ! Che tempo farà a {city}?
        ! Scrivi un tema su {thing}.
        ! Chi è stato il primo uomo sulla luna?
        ! Come posso dimagrire?
        ! Quale macchina devo comprare?
        ! Quanto costa una casa?
    """),
}
FILLERS = {
    "en": {"city": "Paris, Rome, Zurich, Tokyo, New York, London, Bern, Berlin, Sydney".split(", "),
           "land": "France, Brazil, America, Russia, China, Italy, Japan, Germany".split(", "),
           "thing": "a car, the sea, love, a horse, my dog, winter, a bicycle, the moon, a new phone".split(", "),
           "food": "pasta, fondue, rice, a cake, soup, pizza, bread".split(", ")},
    "de": {"city": "Paris, Rom, Zürich, Tokio, New York, London, Bern, Berlin, Sydney".split(", "),
           "land": "Frankreich, Brasilien, Amerika, Russland, China, Italien, Japan, Deutschland".split(", "),
           "thing": "ein Auto, das Meer, die Liebe, ein Pferd, mein Hund, der Winter, ein Velo, der Mond, ein neues Handy".split(", "),
           "food": "Pasta, Fondue, Reis, Kuchen, Suppe, Pizza, Brot".split(", ")},
    "fr": {"city": "Paris, Rome, Zurich, Tokyo, New York, Londres, Berne, Berlin, Sydney".split(", "),
           "land": "la France, la Chine, la Russie, l'Italie, l'Allemagne, l'Inde".split(", "),
           "thing": "une voiture, la mer, l'amour, un cheval, mon chien, l'hiver, un vélo, la lune, un nouveau téléphone".split(", "),
           "food": "des pâtes, une fondue, du riz, un gâteau, une soupe, une pizza, du pain".split(", ")},
    "it": {"city": "Parigi, Roma, Zurigo, Tokyo, New York, Londra, Berna, Berlino, Sydney".split(", "),
           "land": "Francia, Cina, America, Russia, Italia, Germania, Giappone".split(", "),
           "thing": "una macchina, il mare, l'amore, un cavallo, il mio cane, l'inverno, una bici, la luna, un nuovo telefono".split(", "),
           "food": "la pasta, una fonduta, il riso, una torta, una zuppa, una pizza, il pane".split(", ")},
}

# --------------------------------------------------------------------------------------------------------------- arithmetic
# Operation -> language -> (wordings with {e}, the spoken operator). {e} is "a op b".
OPERATORS = {"add": {"en": ["plus"], "de": ["plus", "und"], "fr": ["plus"], "it": ["più"]},
             "sub": {"en": ["minus"], "de": ["minus", "weniger"], "fr": ["moins"], "it": ["meno"]},
             "mul": {"en": ["times"], "de": ["mal"], "fr": ["fois"], "it": ["per"]}}
SIGNS = {"add": "+", "sub": "-", "mul": "*"}
EQUALS = {"en": "is", "de": "ist", "fr": "font", "it": "fa"}
SUMS = {
    "en": lines("""
        What is {e}?
        What's {e}?
        How much is {e}?
        {e}?
        {e}
        Calculate {e}.
        Compute {e}.
        What does {e} make?
        Tell me what {e} is.
        {e} is what?
        What do you get for {e}?
        Can you calculate {e}?
        What is the result of {e}?
        Solve {e}.
        ~ Can you tell me what {e} is?
        ~ Work out {e}.
        ! How much does {e} make?
        ! Do you know what {e} is?
        ! Could you compute {e}?
        ! Please work out {e}.
    """),
    "de": lines("""
        Was ist {e}?
        Wie viel ist {e}?
        Wieviel ist {e}?
        {e}?
        {e}
        Rechne {e}.
        Berechne {e}.
        Wie viel macht {e}?
        Was gibt {e}?
        Was ergibt {e}?
        {e} ist wie viel?
        Sag mir, was {e} ist.
        Kannst du {e} rechnen?
        Was ist das Ergebnis von {e}?
        ~ Wie viel gibt {e}?
        ~ Rechne mir {e} aus.
        ! Weisst du, wie viel {e} ist?
        ! Wie viel ergibt {e}?
        ! Kannst du {e} berechnen?
        ! Sag mir, wie viel {e} ergibt.
    """),
    "fr": lines("""
        Combien font {e} ?
        Combien fait {e} ?
        Ça fait combien, {e} ?
        {e} ?
        {e}
        Calcule {e}.
        {e} font combien ?
        {e}, ça fait combien ?
        Dis-moi combien font {e}.
        Quel est le résultat de {e} ?
        Que donne {e} ?
        Peux-tu calculer {e} ?
        Que font {e} ?
        C'est combien, {e} ?
        ~ Combien donne {e} ?
        ~ Sais-tu calculer {e} ?
        ! Sais-tu combien font {e} ?
        ! Pouvez-vous calculer {e} ?
        ! Peux-tu me dire combien font {e} ?
        ! {e}, c'est combien ?
    """),
    "it": lines("""
        Quanto fa {e}?
        Quanto è {e}?
        {e}?
        {e}
        Calcola {e}.
        {e} quanto fa?
        Dimmi quanto fa {e}.
        Qual è il risultato di {e}?
        Che cosa dà {e}?
        Puoi calcolare {e}?
        Quanto fanno {e}?
        Cosa fa {e}?
        Risolvi {e}.
        Mi dici quanto fa {e}?
        ~ Quanto dà {e}?
        ~ Sapresti calcolare {e}?
        ! Sai quanto fa {e}?
        ! Può calcolare {e}?
        ! Puoi dirmi quanto fa {e}?
        ! {e} quanto è?
    """),
}
FOLLOW_SUMS = {"en": ["And {e}?", "And what is {e}?"], "de": ["Und {e}?", "Und was ist {e}?"],
               "fr": ["Et {e} ?", "Et combien font {e} ?"], "it": ["E {e}?", "E quanto fa {e}?"]}

# ---------------------------------------------------------------------------------------------- what may stand around it all
OPENERS = {
    "en": ["Hi, ", "Hello, ", "Hello! ", "Hi! ", "Hey, ", "Please: ", "Quick question: ", "Good morning! ", "One question: ", "OK, ", "So, "],
    "de": ["Hallo, ", "Hallo! ", "Hi, ", "Guten Tag! ", "Grüezi! ", "Bitte: ", "Kurze Frage: ", "Guten Morgen! ", "Eine Frage: ", "OK, ", "Also, "],
    "fr": ["Bonjour, ", "Bonjour ! ", "Salut, ", "Salut ! ", "Bonsoir, ", "Petite question : ", "Une question : ", "S'il te plaît, ", "OK, ", "Alors, "],
    "it": ["Ciao, ", "Ciao! ", "Buongiorno, ", "Buongiorno! ", "Salve, ", "Per favore: ", "Una domanda: ", "Domanda: ", "OK, ", "Allora, "],
}
CLOSERS = {"en": [", please", " please", ", thanks"], "de": [", bitte", " bitte", ", danke"],
           "fr": [", s'il te plaît", " svp", ", merci"], "it": [", per favore", " per favore", ", grazie"]}

SYSTEMS = lines("""
    You are a helpful assistant.
    You are Apertus Tiny.
    You are a friendly assistant.
    Be concise.
    Answer briefly.
    Answer in one sentence.
    You answer questions.
    You are a teacher for children.
    Be polite and short.
    Du bist ein hilfreicher Assistent.
    Antworte kurz.
    Du bist Apertus Tiny.
    Sei höflich.
    Antworte in einem Satz.
    Tu es un assistant utile.
    Réponds brièvement.
    Tu es Apertus Tiny.
    Réponds en une phrase.
    Sei un assistente utile.
    Rispondi brevemente.
    Sei Apertus Tiny.
    Rispondi in una frase.
    You are a small demo. Answer the question of the user.
    Help the user with short answers.
""")
