# SPDX-License-Identifier: Apache-2.0
"""The closed world of Apertus Tiny, part 2: how people ask, and what the model answers.

An intent has entities (rows of `world_tables.py`), wordings per language and one answer per language. A wording may be a noun phrase
("np"), which is put into every frame of FRAMES, or a whole question ("q"). Lines that begin with `~` are used only for the developers'
list, lines that begin with `!` only for the held-out list; training never sees either. All text was written for this project.
"""

from dataclasses import dataclass, field

import world_tables as w


def lines(text):
    return [line.strip() for line in text.strip().splitlines() if line.strip()]


# {np} is the noun phrase, {acc} its German accusative, {quel} is "quel" or "quelle".
FRAMES = {
    "en": lines("""
        What is {np}?
        What is {np}?
        What's {np}?
        Tell me {np}.
        Can you tell me {np}?
        Could you tell me what {np} is?
        Do you know {np}?
        Do you know what {np} is?
        I want to know {np}.
        I would like to know what {np} is.
        {np}?
        Name {np}.
        Please name {np}.
        Give me {np}.
        I need to know {np}.
        Which one is {np}?
        I am looking for {np}.
        My question: what is {np}?
        ~ Any idea what {np} is?
        ~ Could you name {np}?
        ~ Please give me {np}.
        ! I wonder what {np} is.
        ! Can you name {np}?
        ! Would you know {np}?
        ! Let me know what {np} is.
    """),
    "de": lines("""
        Was ist {np}?
        Was ist {np}?
        Welches ist {np}?
        Nenne mir {acc}.
        Nenne {acc}.
        Sag mir, was {np} ist.
        Kannst du mir {acc} nennen?
        Kennst du {acc}?
        Weisst du, was {np} ist?
        Können Sie mir sagen, was {np} ist?
        Ich möchte wissen, was {np} ist.
        Wie lautet {np}?
        {np}?
        Ich suche {acc}.
        Sag mir {acc}.
        Wie heisst {np}?
        Meine Frage: Was ist {np}?
        Ich möchte {acc} wissen.
        ~ Könntest du mir {acc} sagen?
        ~ Kennen Sie {acc}?
        ~ Was ist denn {np}?
        ! Können Sie mir {acc} nennen?
        ! Ich frage mich, was {np} ist.
        ! Weisst du {acc}?
        ! Was ist eigentlich {np}?
    """),
    "fr": lines("""
        {quel} est {np} ?
        {quel} est {np} ?
        C'est quoi {np} ?
        Dis-moi {np}.
        Dis-moi {quel} est {np}.
        Donne-moi {np}.
        Connais-tu {np} ?
        Tu connais {np} ?
        Peux-tu me dire {quel} est {np} ?
        Pouvez-vous me donner {np} ?
        J'aimerais connaître {np}.
        Je veux savoir {quel} est {np}.
        {np} ?
        Sais-tu {quel} est {np} ?
        Je cherche {np}.
        {np}, c'est quoi ?
        Ma question : {quel} est {np} ?
        ~ Connaissez-vous {np} ?
        ~ Tu peux me dire {quel} est {np} ?
        ~ Indique-moi {np}.
        ! Peux-tu me donner {np} ?
        ! Savez-vous {quel} est {np} ?
        ! Je voudrais connaître {np}.
        ! Je me demande {quel} est {np}.
    """),
    "it": lines("""
        Qual è {np}?
        Qual è {np}?
        Dimmi {np}.
        Dimmi qual è {np}.
        Puoi dirmi {np}?
        Puoi dirmi qual è {np}?
        Conosci {np}?
        Sai qual è {np}?
        Vorrei sapere qual è {np}.
        Vorrei conoscere {np}.
        {np}?
        {np} qual è?
        Mi dici {np}?
        Può dirmi qual è {np}?
        Cerco {np}.
        Come si chiama {np}?
        La mia domanda: qual è {np}?
        ~ Sapresti dirmi {np}?
        ~ Mi sai dire qual è {np}?
        ~ Indicami {np}.
        ! Sai dirmi qual è {np}?
        ! Lei conosce {np}?
        ! Mi chiedo quale sia {np}.
        ! Voglio sapere qual è {np}.
    """),
}


@dataclass
class Intent:
    name: str
    topic: str
    answer: dict
    entities: list = field(default_factory=lambda: [{lang: {} for lang in w.LANGS}])
    np: dict = field(default_factory=dict)   # lang -> (np, acc or quel) tuple
    q: dict = field(default_factory=dict)    # lang -> list of wordings
    follow: dict = field(default_factory=dict)  # lang -> list of elliptic follow-ups
    weight: float = 1.0                      # how often the intent is drawn
    expect: dict = field(default_factory=dict)  # lang -> strings; default: the entity's "x" or "v"


INTENTS = []


def intent(name, topic, **kwargs):
    for key in ("q", "follow"):
        if key in kwargs:
            kwargs[key] = {lang: lines(text) for lang, text in kwargs[key].items()}
    INTENTS.append(Intent(name, topic, **kwargs))


# ---------------------------------------------------------------------------------------------------------------- countries
FOLLOW_COUNTRY = {
    "en": "And of {of}?\nAnd {n}?\nAnd for {n}?\nWhat about {n}?\nAnd what about {n}?\nAnd {in}?\n~ How about {n}?\n! And how about {n}?",
    "de": "Und {of}?\nUnd {in}?\nUnd wie ist es {in}?\nUnd jetzt {of}?\n~ Und wie ist das {in}?\n! Und wie sieht es {in} aus?",
    "fr": "Et {of} ?\nEt {in} ?\nEt pour {n} ?\nEt {n} ?\nEt celle {of} ?\n~ Alors, et {n} ?\n! Et alors {in} ?",
    "it": "E {of}?\nE {in}?\nE per {n}?\nE {n}?\nE quella {of}?\n~ E invece {of}?\n! E invece {in}?",
}

intent("capital", "geography", weight=3.0, entities=w.CAPITALS,
       answer={"en": "The capital of {of} is {v}.", "de": "Die Hauptstadt {of} ist {v}.",
               "fr": "La capitale {of} est {v}.", "it": "La capitale {of} è {v}."},
       np={"en": ("the capital of {of}",), "de": ("die Hauptstadt {of}",) * 2,
           "fr": ("la capitale {of}", "quelle"), "it": ("la capitale {of}",)},
       q={"en": """Which city is the capital of {of}?
                   What is the capital city of {of}?
                   What is the name of the capital of {of}?
                   {n}: capital?
                   capital of {of}
                   capital {n}
                   The capital of {of} is called what?
                   What city is the capital {in}?
                   ~ Which town is {n}'s capital?
                   ! Which place is the capital city of {of}?
                   ! How is the capital of {of} called?""",
          "de": """Welche Stadt ist die Hauptstadt {of}?
                   Wie heisst die Hauptstadt {of}?
                   Was ist {in} die Hauptstadt?
                   Hauptstadt {of}
                   Welche Hauptstadt gibt es {in}?
                   Wie ist der Name der Hauptstadt {of}?
                   ~ Die Hauptstadt {of} ist welche Stadt?
                   ! Wie nennt man die Hauptstadt {of}?
                   ! Welche Stadt ist {in} die Hauptstadt?""",
          "fr": """Quelle ville est la capitale {of} ?
                   Comment s'appelle la capitale {of} ?
                   Quel est le nom de la capitale {of} ?
                   capitale {of}
                   Quelle est la ville capitale {of} ?
                   La capitale {of} est quelle ville ?
                   ~ Comment se nomme la capitale {of} ?
                   ! Quelle est donc la capitale {of} ?
                   ! De quelle ville s'agit-il pour la capitale {of} ?""",
          "it": """Quale città è la capitale {of}?
                   Come si chiama la capitale {of}?
                   Qual è il nome della capitale {of}?
                   capitale {of}
                   Quale è la città capitale {of}?
                   La capitale {of} che città è?
                   ~ Che città è la capitale {of}?
                   ! Qual è la città che fa da capitale {of}?
                   ! Qual è dunque la capitale {of}?"""},
       follow=FOLLOW_COUNTRY)

intent("country_language", "geography", weight=2.4, entities=w.LANGUAGES,
       answer={"en": "People {in} speak {v}.", "de": "{in} spricht man {v}.", "fr": "{in}, on parle {v}.", "it": "{in} si parla {v}."},
       q={"en": """Which language do people speak {in}?
                   What language is spoken {in}?
                   What languages are spoken {in}?
                   Which languages do they speak {in}?
                   What do people speak {in}?
                   What is the official language of {of}?
                   What is the language of {of}?
                   Tell me the languages of {of}.
                   language of {of}
                   What language does one speak {in}?
                   ~ What is the main language {in}?
                   ! Which language is used {in}?
                   ! In what language do people talk {in}?""",
          "de": """Welche Sprache spricht man {in}?
                   Welche Sprachen spricht man {in}?
                   Was spricht man {in}?
                   Welche Sprache wird {in} gesprochen?
                   Was ist die Amtssprache {of}?
                   Was ist die Sprache {of}?
                   In welcher Sprache redet man {in}?
                   Sprache {of}
                   Sag mir, welche Sprache man {in} spricht.
                   ~ Welche Sprache sprechen die Leute {in}?
                   ! Welche Sprachen werden {in} gesprochen?
                   ! Was für eine Sprache spricht man {in}?""",
          "fr": """Quelle langue parle-t-on {in} ?
                   Quelles langues parle-t-on {in} ?
                   On parle quelle langue {in} ?
                   Quelle est la langue officielle {of} ?
                   Quelle est la langue {of} ?
                   Que parle-t-on {in} ?
                   Quelle langue est parlée {in} ?
                   langue {of}
                   Dis-moi quelle langue on parle {in}.
                   ~ Les gens parlent quelle langue {in} ?
                   ! Quelle langue les gens parlent-ils {in} ?
                   ! Quelles sont les langues parlées {in} ?""",
          "it": """Che lingua si parla {in}?
                   Quali lingue si parlano {in}?
                   Quale lingua si parla {in}?
                   Qual è la lingua ufficiale {of}?
                   Qual è la lingua {of}?
                   Che cosa si parla {in}?
                   Che lingua parlano {in}?
                   lingua {of}
                   Dimmi che lingua si parla {in}.
                   ~ Quale lingua parla la gente {in}?
                   ! Che lingua parla la gente {in}?
                   ! Quali sono le lingue parlate {in}?"""},
       follow={"en": "And {in}?\nAnd {n}?\nWhat about {n}?\n! And what about {n}?", "de": "Und {in}?\nUnd wie ist es {in}?\n! Und was ist {in}?",
               "fr": "Et {in} ?\nEt pour {n} ?\n! Et {in}, alors ?", "it": "E {in}?\nE per {n}?\n! E {in} invece?"})

intent("currency", "geography", weight=2.4, entities=w.CURRENCIES,
       answer={"en": "The currency of {of} is {v}.", "de": "Die Währung {of} ist {v}.",
               "fr": "La monnaie {of} est {v}.", "it": "La moneta {of} è {v}."},
       np={"en": ("the currency of {of}",), "de": ("die Währung {of}",) * 2,
           "fr": ("la monnaie {of}", "quelle"), "it": ("la moneta {of}",)},
       q={"en": """Which currency is used {in}?
                   What money do people use {in}?
                   How do you pay {in}?
                   What do people pay with {in}?
                   What is the money {in} called?
                   Which money do I need {in}?
                   currency of {of}
                   ~ What currency do they use {in}?
                   ! With which money does one pay {in}?
                   ! What currency do I need {in}?""",
          "de": """Welche Währung hat man {in}?
                   Womit bezahlt man {in}?
                   Mit welchem Geld zahlt man {in}?
                   Welche Währung gilt {in}?
                   Wie heisst das Geld {in}?
                   Welches Geld braucht man {in}?
                   Währung {of}
                   ~ Welche Währung benutzt man {in}?
                   ! Mit welcher Währung bezahlt man {in}?
                   ! Womit zahlen die Leute {in}?""",
          "fr": """Quelle monnaie utilise-t-on {in} ?
                   Avec quelle monnaie paie-t-on {in} ?
                   Comment s'appelle la monnaie {of} ?
                   On paie avec quoi {in} ?
                   Quelle est la devise {of} ?
                   De quel argent ai-je besoin {in} ?
                   monnaie {of}
                   ~ Quelle devise utilise-t-on {in} ?
                   ! Quelle monnaie faut-il {in} ?
                   ! Avec quel argent paie-t-on {in} ?""",
          "it": """Quale moneta si usa {in}?
                   Con che moneta si paga {in}?
                   Come si chiama la moneta {of}?
                   Con che cosa si paga {in}?
                   Qual è la valuta {of}?
                   Che soldi servono {in}?
                   moneta {of}
                   ~ Quale valuta si usa {in}?
                   ! Che moneta si usa {in}?
                   ! Con quali soldi si paga {in}?"""},
       follow=FOLLOW_COUNTRY)

intent("river", "geography", weight=2.0, entities=w.RIVERS,
       answer={"en": "{v} flows through {c}.", "de": "Durch {c} fliesst {v}.", "fr": "{v} traverse {c}.", "it": "{v} attraversa {c}."},
       q={"en": """Which river flows through {c}?
                   What river runs through {c}?
                   Which river crosses {c}?
                   What is the river of {c}?
                   What is the name of the river in {c}?
                   On which river is {c}?
                   On which river does {c} lie?
                   Name the river in {c}.
                   river in {c}
                   Tell me which river flows through {c}.
                   ~ Which river passes {c}?
                   ! What is the river in {c} called?
                   ! Which river goes through {c}?""",
          "de": """Welcher Fluss fliesst durch {c}?
                   An welchem Fluss liegt {c}?
                   Wie heisst der Fluss in {c}?
                   Was ist der Fluss von {c}?
                   Durch {c} fliesst welcher Fluss?
                   Nenne den Fluss in {c}.
                   Fluss in {c}
                   Sag mir, welcher Fluss durch {c} fliesst.
                   ~ Welcher Fluss geht durch {c}?
                   ! Welchen Fluss gibt es in {c}?
                   ! Wie nennt man den Fluss in {c}?""",
          "fr": """Quel fleuve traverse {c} ?
                   Quelle rivière traverse {c} ?
                   Quel fleuve passe par {c} ?
                   Quel cours d'eau coule à {c} ?
                   Comment s'appelle le fleuve de {c} ?
                   Quel est le fleuve de {c} ?
                   fleuve à {c}
                   Dis-moi quel fleuve traverse {c}.
                   ~ Quel fleuve coule à {c} ?
                   ! Quel est le nom du fleuve à {c} ?
                   ! Quel cours d'eau traverse {c} ?""",
          "it": """Quale fiume attraversa {c}?
                   Che fiume passa per {c}?
                   Quale fiume scorre a {c}?
                   Come si chiama il fiume di {c}?
                   Qual è il fiume di {c}?
                   Su quale fiume si trova {c}?
                   fiume a {c}
                   Dimmi quale fiume attraversa {c}.
                   ~ Quale fiume bagna {c}?
                   ! Qual è il nome del fiume di {c}?
                   ! Che fiume attraversa {c}?"""},
       follow={"en": "And through {c}?\nAnd in {c}?\nAnd {c}?\nWhat about {c}?\n! And what about {c}?", "de": "Und durch {c}?\nUnd in {c}?\nUnd {c}?\n! Und bei {c}?",
               "fr": "Et à {c} ?\nEt {c} ?\nEt pour {c} ?\n! Et alors {c} ?", "it": "E a {c}?\nE {c}?\nE per {c}?\n! E invece {c}?"})

intent("canton", "switzerland", weight=1.3, entities=w.CANTONS,
       answer={"en": "The capital of the canton of {of} is {v}.", "de": "Der Hauptort {of} ist {v}.",
               "fr": "Le chef-lieu du canton {of} est {v}.", "it": "Il capoluogo del Canton {of} è {v}."},
       np={"en": ("the capital of the canton of {of}",), "de": ("der Hauptort {of}", "den Hauptort {of}"),
           "fr": ("le chef-lieu du canton {of}", "quel"), "it": ("il capoluogo del cantone {of}",)},
       q={"en": """Which town is the capital of the canton of {of}?
                   What is the capital of {of}?
                   What is the main town of the canton of {of}?
                   capital of canton {of}
                   ~ Which city is the capital of canton {of}?
                   ! Which place is the capital of the Swiss canton of {of}?""",
          "de": """Welche Stadt ist der Hauptort {of}?
                   Wie heisst die Hauptstadt {of}?
                   Was ist die Hauptstadt {of}?
                   Wie heisst der Hauptort {of}?
                   ~ Welcher Ort ist der Hauptort {of}?
                   ! Welche Stadt ist die Hauptstadt {of}?""",
          "fr": """Quelle ville est le chef-lieu du canton {of} ?
                   Comment s'appelle le chef-lieu du canton {of} ?
                   Quelle est la capitale du canton {of} ?
                   chef-lieu du canton {of}
                   ~ Quel lieu est le chef-lieu du canton {of} ?
                   ! Quelle ville est la capitale du canton {of} ?""",
          "it": """Quale città è il capoluogo del cantone {of}?
                   Come si chiama il capoluogo del cantone {of}?
                   Qual è la capitale del Canton {of}?
                   capoluogo del cantone {of}
                   ~ Quale luogo è il capoluogo del Canton {of}?
                   ! Quale città è la capitale del cantone {of}?"""})

intent("sight", "geography", weight=1.2, entities=w.SIGHTS,
       answer={"en": "{s} is {in}.", "de": "{s} steht {in}.", "fr": "{s} se trouve {in}.", "it": "{s} si trova {in}."},
       q={"en": """Where is {s}?
                   In which city is {s}?
                   Which city has {s}?
                   Where can I see {s}?
                   Where do I find {s}?
                   Tell me where {s} is.
                   Do you know where {s} is?
                   ~ Where can one visit {s}?
                   ! Where would I find {s}?
                   ! In what town is {s}?""",
          "de": """Wo ist {s}?
                   Wo steht {s}?
                   In welcher Stadt ist {s}?
                   In welcher Stadt steht {s}?
                   Wo befindet sich {s}?
                   Weisst du, wo {s} steht?
                   ~ Sag mir, wo {s} ist.
                   ! Wo findet man {s}?
                   ! In welcher Stadt befindet sich {s}?""",
          "fr": """Où est {s} ?
                   Où se trouve {s} ?
                   Dans quelle ville est {s} ?
                   Dans quelle ville se trouve {s} ?
                   Où peut-on voir {s} ?
                   Sais-tu où se trouve {s} ?
                   ~ Dis-moi où se trouve {s}.
                   ! Où peut-on visiter {s} ?
                   ! Dans quelle ville peut-on voir {s} ?""",
          "it": """Dove è {s}?
                   Dove si trova {s}?
                   In quale città è {s}?
                   In quale città si trova {s}?
                   Dove posso vedere {s}?
                   Sai dove si trova {s}?
                   ~ Dimmi dove si trova {s}.
                   ! Dove si può visitare {s}?
                   ! In che città si trova {s}?"""})

# -------------------------------------------------------------------------------------------------------------- definitions
intent("definition", "definitions", weight=2.0, entities=w.DEFINITIONS,
       answer={"en": "{n} is {v}.", "de": "{n} ist {v}.", "fr": "{n} est {v}.", "it": "{n} è {v}."},
       q={"en": """What is {n}?
                   What's {n}?
                   Explain what {n} is.
                   Define {n}.
                   Can you explain what {n} is?
                   Tell me what {n} is.
                   What does one call {n}?
                   Do you know what {n} is?
                   What do you know about {n}?
                   Please explain: what is {n}?
                   What exactly is {n}?
                   ~ Could you define {n}?
                   ! How would you explain {n}?
                   ! Can you tell me what {n} is?
                   ! What do people mean by {n}?""",
          "de": """Was ist {n}?
                   Erkläre, was {n} ist.
                   Erkläre mir, was {n} ist.
                   Kannst du erklären, was {n} ist?
                   Was ist genau {n}?
                   Weisst du, was {n} ist?
                   Sag mir, was {n} ist.
                   Was bedeutet {n}?
                   Bitte erkläre: Was ist {n}?
                   Was versteht man unter: {n}?
                   ~ Was ist denn {n}?
                   ! Was genau ist {n}?
                   ! Können Sie erklären, was {n} ist?
                   ! Ich möchte wissen, was {n} ist.""",
          "fr": """Qu'est-ce que c'est, {n} ?
                   C'est quoi, {n} ?
                   Explique ce qu'est {n}.
                   Peux-tu expliquer ce qu'est {n} ?
                   Que veut dire {n} ?
                   Sais-tu ce qu'est {n} ?
                   Dis-moi ce qu'est {n}.
                   Définis {n}.
                   {n}, c'est quoi ?
                   Que signifie {n} ?
                   ~ Pouvez-vous définir {n} ?
                   ! Pouvez-vous m'expliquer ce qu'est {n} ?
                   ! Comment expliquer {n} ?
                   ! J'aimerais savoir ce qu'est {n}.""",
          "it": """Che cos'è {n}?
                   Cosa è {n}?
                   Spiega che cos'è {n}.
                   Puoi spiegare che cos'è {n}?
                   Che cosa significa {n}?
                   Sai che cos'è {n}?
                   Dimmi che cos'è {n}.
                   Definisci {n}.
                   {n}, che cos'è?
                   Cosa vuol dire {n}?
                   ~ Può definire {n}?
                   ! Mi puoi spiegare che cos'è {n}?
                   ! Come si spiega {n}?
                   ! Vorrei sapere che cos'è {n}."""},
       follow={"en": "And {n}?\nAnd what is {n}?\n! What about {n}?", "de": "Und {n}?\nUnd was ist {n}?\n! Und was bedeutet {n}?",
               "fr": "Et {n} ?\nEt c'est quoi, {n} ?\n! Et que veut dire {n} ?", "it": "E {n}?\nE che cos'è {n}?\n! E cosa vuol dire {n}?"})

# ----------------------------------------------------------------------------------------------------------------- calendar
intent("day_after", "calendar", weight=1.1, entities=w.DAY_AFTER,
       answer={"en": "The day after {n} is {v}.", "de": "Nach {n} kommt {v}.", "fr": "Après {n} vient {v}.", "it": "Dopo {n} viene {v}."},
       q={"en": """What comes after {n}?
                   What day comes after {n}?
                   Which day comes after {n}?
                   Which day is after {n}?
                   What day is it after {n}?
                   Which day follows {n}?
                   The day after {n} is what?
                   Today is {n}. What day is tomorrow?
                   Tell me the day after {n}.
                   ~ If today is {n}, what is tomorrow?
                   ! What is the day after {n}?
                   ! Which weekday follows {n}?""",
          "de": """Was kommt nach {n}?
                   Welcher Tag kommt nach {n}?
                   Welcher Tag ist nach {n}?
                   Welcher Tag folgt auf {n}?
                   Was ist der Tag nach {n}?
                   Heute ist {n}. Welcher Tag ist morgen?
                   Nach {n} kommt welcher Tag?
                   Sag mir den Tag nach {n}.
                   ~ Wenn heute {n} ist, was ist morgen?
                   ! Welcher Wochentag kommt nach {n}?
                   ! Was folgt auf {n}?""",
          "fr": """Quel jour vient après {n} ?
                   Qu'est-ce qui vient après {n} ?
                   Quel est le jour après {n} ?
                   Quel jour suit {n} ?
                   Le jour après {n}, c'est quoi ?
                   Aujourd'hui c'est {n}. Quel jour est demain ?
                   Que vient-il après {n} ?
                   Dis-moi le jour après {n}.
                   ~ Si aujourd'hui est {n}, demain est quel jour ?
                   ! Quel jour de la semaine vient après {n} ?
                   ! C'est quel jour après {n} ?""",
          "it": """Che giorno viene dopo {n}?
                   Cosa viene dopo {n}?
                   Qual è il giorno dopo {n}?
                   Quale giorno segue {n}?
                   Il giorno dopo {n} qual è?
                   Oggi è {n}. Che giorno è domani?
                   Quale giorno c'è dopo {n}?
                   Dimmi il giorno dopo {n}.
                   ~ Se oggi è {n}, domani che giorno è?
                   ! Quale giorno della settimana viene dopo {n}?
                   ! Che giorno è dopo {n}?"""},
       follow={"en": "And after {n}?\n! And what comes after {n}?", "de": "Und nach {n}?\n! Und was kommt nach {n}?",
               "fr": "Et après {n} ?\n! Et que vient-il après {n} ?", "it": "E dopo {n}?\n! E cosa viene dopo {n}?"})

intent("day_before", "calendar", weight=0.9, entities=w.DAY_BEFORE,
       answer={"en": "The day before {n} is {v}.", "de": "Vor {n} kommt {v}.", "fr": "Avant {n} vient {v}.", "it": "Prima di {n} viene {v}."},
       q={"en": """What comes before {n}?
                   What day comes before {n}?
                   Which day comes before {n}?
                   Which day is before {n}?
                   What day is it before {n}?
                   The day before {n} is what?
                   Today is {n}. What day was yesterday?
                   Tell me the day before {n}.
                   ~ If today is {n}, what was yesterday?
                   ! What is the day before {n}?
                   ! Which weekday comes before {n}?""",
          "de": """Was kommt vor {n}?
                   Welcher Tag kommt vor {n}?
                   Welcher Tag ist vor {n}?
                   Was ist der Tag vor {n}?
                   Heute ist {n}. Welcher Tag war gestern?
                   Vor {n} kommt welcher Tag?
                   Sag mir den Tag vor {n}.
                   ~ Wenn heute {n} ist, was war gestern?
                   ! Welcher Wochentag kommt vor {n}?
                   ! Was war am Tag vor {n}?""",
          "fr": """Quel jour vient avant {n} ?
                   Qu'est-ce qui vient avant {n} ?
                   Quel est le jour avant {n} ?
                   Le jour avant {n}, c'est quoi ?
                   Aujourd'hui c'est {n}. Quel jour était hier ?
                   Que vient-il avant {n} ?
                   Dis-moi le jour avant {n}.
                   ~ Si aujourd'hui est {n}, hier était quel jour ?
                   ! Quel jour de la semaine vient avant {n} ?
                   ! C'est quel jour avant {n} ?""",
          "it": """Che giorno viene prima di {n}?
                   Cosa viene prima di {n}?
                   Qual è il giorno prima di {n}?
                   Il giorno prima di {n} qual è?
                   Oggi è {n}. Che giorno era ieri?
                   Quale giorno c'è prima di {n}?
                   Dimmi il giorno prima di {n}.
                   ~ Se oggi è {n}, ieri che giorno era?
                   ! Quale giorno della settimana viene prima di {n}?
                   ! Che giorno è prima di {n}?"""},
       follow={"en": "And before {n}?", "de": "Und vor {n}?", "fr": "Et avant {n} ?", "it": "E prima di {n}?"})

_MONTH_Q = {
    "en": """What month comes {prep} {n}?
             Which month comes {prep} {n}?
             What comes {prep} {n}?
             Which month is {prep} {n}?
             The month {prep} {n} is what?
             Tell me the month {prep} {n}.
             ~ Do you know the month {prep} {n}?
             ! What is the month {prep} {n}?
             ! Which is the month that comes {prep} {n}?""",
    "de": """Was kommt {prep} {n}?
             Welcher Monat kommt {prep} {n}?
             Welcher Monat ist {prep} {n}?
             Was ist der Monat {prep} {n}?
             {prep} {n} kommt welcher Monat?
             Sag mir den Monat {prep} {n}.
             ~ Wie heisst der Monat {prep} {n}?
             ! Welcher Monat kommt im Jahr {prep} {n}?
             ! Nenne den Monat {prep} {n}.""",
    "fr": """Quel mois vient {prep} {n} ?
             Qu'est-ce qui vient {prep} {n} ?
             Quel est le mois {prep} {n} ?
             Le mois {prep} {n}, c'est quoi ?
             Que vient-il {prep} {n} ?
             Dis-moi le mois {prep} {n}.
             ~ Comment s'appelle le mois {prep} {n} ?
             ! Quel mois de l'année vient {prep} {n} ?
             ! C'est quel mois {prep} {n} ?""",
    "it": """Che mese viene {prep} {n}?
             Cosa viene {prep} {n}?
             Qual è il mese {prep} {n}?
             Il mese {prep} {n} qual è?
             Quale mese c'è {prep} {n}?
             Dimmi il mese {prep} {n}.
             ~ Come si chiama il mese {prep} {n}?
             ! Quale mese dell'anno viene {prep} {n}?
             ! Che mese è {prep} {n}?""",
}


def _month_questions(preps):
    return {lang: text.replace("{prep}", preps[lang]) for lang, text in _MONTH_Q.items()}


intent("month_after", "calendar", weight=1.3, entities=w.MONTH_AFTER,
       answer={"en": "The month after {n} is {v}.", "de": "Nach {n} kommt {v}.", "fr": "Après {n} vient {v}.", "it": "Dopo {n} viene {v}."},
       q=_month_questions({"en": "after", "de": "nach", "fr": "après", "it": "dopo"}),
       follow={"en": "And after {n}?", "de": "Und nach {n}?", "fr": "Et après {n} ?", "it": "E dopo {n}?"})
intent("month_before", "calendar", weight=1.1, entities=w.MONTH_BEFORE,
       answer={"en": "The month before {n} is {v}.", "de": "Vor {n} kommt {v}.", "fr": "Avant {n} vient {v}.", "it": "Prima di {n} viene {v}."},
       q=_month_questions({"en": "before", "de": "vor", "fr": "avant", "it": "prima di"}),
       follow={"en": "And before {n}?", "de": "Und vor {n}?", "fr": "Et avant {n} ?", "it": "E prima di {n}?"})
intent("month_length", "calendar", weight=0.9, entities=w.MONTH_LENGTHS,
       answer={"en": "{n} has {v} days.", "de": "Der {n} hat {v} Tage.", "fr": "Le mois de {n} a {v} jours.", "it": "Il mese di {n} ha {v} giorni."},
       q={"en": """How many days does {n} have?
                   How many days are in {n}?
                   How many days are there in {n}?
                   How long is {n}?
                   days in {n}
                   Tell me how many days {n} has.
                   ~ What number of days does {n} have?
                   ! How many days has {n}?
                   ! Do you know how many days there are in {n}?""",
          "de": """Wie viele Tage hat der {n}?
                   Wie viele Tage hat {n}?
                   Wie viele Tage gibt es im {n}?
                   Wie lang ist der {n}?
                   Tage im {n}
                   Sag mir, wie viele Tage der {n} hat.
                   ~ Aus wie vielen Tagen besteht der {n}?
                   ! Wie viele Tage hat der Monat {n}?
                   ! Weisst du, wie viele Tage der {n} hat?""",
          "fr": """Combien de jours a {n} ?
                   Combien de jours y a-t-il en {n} ?
                   Il y a combien de jours en {n} ?
                   Le mois de {n} a combien de jours ?
                   jours en {n}
                   Dis-moi combien de jours a {n}.
                   ~ Combien de jours dure {n} ?
                   ! Combien de jours compte {n} ?
                   ! Combien de jours a le mois de {n} ?""",
          "it": """Quanti giorni ha {n}?
                   Quanti giorni ci sono in {n}?
                   Il mese di {n} quanti giorni ha?
                   Di quanti giorni è {n}?
                   giorni in {n}
                   Dimmi quanti giorni ha {n}.
                   ~ Quanti giorni dura {n}?
                   ! Quanti giorni ha il mese di {n}?
                   ! Sai quanti giorni ci sono in {n}?"""},
       follow={"en": "And {n}?\nAnd in {n}?", "de": "Und der {n}?\nUnd im {n}?", "fr": "Et {n} ?\nEt en {n} ?", "it": "E {n}?\nE in {n}?"})


# --------------------------------------------------------------------------------------------- counting ("how many A in B")
COUNTS = w.table("""
days|a week|7|Tage|eine Woche|7|jours|une semaine|7|giorni|una settimana|7
months|a year|12|Monate|ein Jahr|12|mois|une année|12|mesi|un anno|12
days|a year|365|Tage|ein Jahr|365|jours|une année|365|giorni|un anno|365
weeks|a year|52|Wochen|ein Jahr|52|semaines|une année|52|settimane|un anno|52
seasons|a year|4|Jahreszeiten|ein Jahr|4|saisons|une année|4|stagioni|un anno|4
hours|a day|24|Stunden|ein Tag|24|heures|un jour|24|ore|un giorno|24
minutes|an hour|60|Minuten|eine Stunde|60|minutes|une heure|60|minuti|un'ora|60
seconds|a minute|60|Sekunden|eine Minute|60|secondes|une minute|60|secondi|un minuto|60
years|a century|100|Jahre|ein Jahrhundert|100|ans|un siècle|100|anni|un secolo|100
""", ("a", "b", "v"))
intent("count", "calendar", weight=1.2, entities=COUNTS,
       answer={"en": "{b} has {v} {a}.", "de": "{b} hat {v} {a}.", "fr": "{b} a {v} {a}.", "it": "{b} ha {v} {a}."},
       q={"en": """How many {a} are in {b}?
                   How many {a} are there in {b}?
                   How many {a} does {b} have?
                   {b} has how many {a}?
                   how many {a} in {b}
                   Tell me how many {a} {b} has.
                   Can you tell me how many {a} there are in {b}?
                   ~ How many {a} make {b}?
                   ! How many {a} has {b}?
                   ! Do you know how many {a} are in {b}?
                   ! I want to know how many {a} there are in {b}.""",
          "de": """Wie viele {a} hat {b}?
                   Aus wie vielen {a} besteht {b}?
                   {b} hat wie viele {a}?
                   wieviele {a} hat {b}
                   Sag mir, wie viele {a} {b} hat.
                   Kannst du mir sagen, wie viele {a} {b} hat?
                   Wie viele {a} sind {b}?
                   ~ Wie viele {a} ergeben {b}?
                   ! Weisst du, wie viele {a} {b} hat?
                   ! Wie viele {a} hat denn {b}?
                   ! Ich möchte wissen, wie viele {a} {b} hat.""",
          "fr": """Combien de {a} a {b} ?
                   Combien de {a} y a-t-il dans {b} ?
                   Il y a combien de {a} dans {b} ?
                   {b} a combien de {a} ?
                   combien de {a} dans {b}
                   Dis-moi combien de {a} a {b}.
                   Peux-tu me dire combien de {a} il y a dans {b} ?
                   ~ Combien de {a} font {b} ?
                   ! Combien de {a} compte {b} ?
                   ! Sais-tu combien de {a} il y a dans {b} ?
                   ! Dans {b}, il y a combien de {a} ?""",
          "it": """Quanti {a} ha {b}?
                   Quante {a} ci sono in {b}?
                   Quanti {a} ci sono in {b}?
                   {b} quanti {a} ha?
                   quanti {a} in {b}
                   Dimmi quanti {a} ha {b}.
                   Puoi dirmi quanti {a} ci sono in {b}?
                   ~ Quanti {a} fanno {b}?
                   ! Di quanti {a} è fatto {b}?
                   ! Sai quanti {a} ci sono in {b}?
                   ! In {b} quanti {a} ci sono?"""})
