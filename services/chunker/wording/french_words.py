"""The words of French."""

from __future__ import annotations

import re
from typing import Final

from services.chunker.wording.si_units import si_units
from services.chunker.wording.tables import abbreviations, nouns, pairs, words, words_in_order

MONTHS: Final = words_in_order("""
    janvier février mars avril mai juin juillet août septembre octobre novembre décembre
""")
WORDS: Final = pairs("""
    dot = point
    point = point
    comma = virgule
    slash = barre
    at = arobase
    dash = tiret
    minus = moins
    plus = plus
    plus minus = plus ou moins
    about = environ
    to = à
    ratio = à
    over = sur
    and = et
    hashtag = hashtag
    number = numéro
    sharp = dièse
    version = version
    squared = au carré
    cubed = au cube
    power = puissance
""")
UNITS: Final = si_units(
    bases=nouns("""
        m mètre/mètres
        g gramme/grammes
        l litre/litres
        L litre/litres
        s f seconde/secondes
        h f heure/heures
        Hz hertz
        W watt/watts
        Wh wattheure/wattheures
        V volt/volts
        A ampère/ampères
        Ah ampèreheure/ampèreheures
        \u03a9 ohm/ohms
        J joule/joules
        cal f calorie/calories
        N newton/newtons
        Pa pascal/pascals
        bar bar/bars
        B octet/octets
        bit bit/bits
        o octet/octets
        Ko kilooctet/kilooctets
        ko kilooctet/kilooctets
        Mo mégaoctet/mégaoctets
        Go gigaoctet/gigaoctets
        To téraoctet/téraoctets
        Kio kibioctet/kibioctets
        Mio mébioctet/mébioctets
        Gio gibioctet/gibioctets
        % pour cent
        \u2030 pour mille
        t f tonne/tonnes
        ha hectare/hectares
        min f minute/minutes
        sec f seconde/secondes
        \u00b0C degré Celsius/degrés Celsius
        \u00b0F degré Fahrenheit/degrés Fahrenheit
        \u2103 degré Celsius/degrés Celsius
        \u00b0 degré/degrés
        K kelvin/kelvins
        ch cheval/chevaux
        dB décibel/décibels
        ppm partie par million/parties par million
        px pixel/pixels
        dpi point par pouce/points par pouce
        mph mille à l'heure/milles à l'heure
        tr/min tour par minute/tours par minute
    """),
    prefixes=pairs("""
        n = nano
        \u00b5 = micro
        \u03bc = micro
        m = milli
        c = centi
        d = déci
        h = hecto
        k = kilo
        K = kilo
        M = méga
        G = giga
        T = téra
        P = péta
        Ki = kibi
        Mi = mébi
        Gi = gibi
        Ti = tébi
    """),
    square=("{} carré", "{} carrés"),
    cube=("{} cube", "{} cubes"),
    per="par",
)
CURRENCIES: Final = nouns("""
    \u20ac euro/euros + centime/centimes
    EUR euro/euros + centime/centimes
    euros euro/euros + centime/centimes
    $ dollar/dollars + cent/cents
    US$ dollar américain/dollars américains + cent/cents
    USD dollar américain/dollars américains + cent/cents
    $CA dollar canadien/dollars canadiens + cent/cents
    CAD dollar canadien/dollars canadiens + cent/cents
    \u00a3 f livre/livres + penny/pence
    GBP f livre/livres + penny/pence
    \u00a5 yen/yens
    JPY yen/yens
    CHF franc suisse/francs suisses + centime/centimes
    FRF franc/francs + centime/centimes
    FCFA franc CFA/francs CFA
    \u20bd rouble/roubles
    \u20bf bitcoin/bitcoins
""")
MAGNITUDES: Final = pairs("""
    k = mille
    K = mille
    M = millions
    Md = milliards
    Mds = milliards
    million = million
    millions = millions
    milliard = milliard
    milliards = milliards
""")
ABBREVIATIONS: Final = abbreviations(
    titles="""
    Mme = Madame
    Mmes = Mesdames
    Mlle = Mademoiselle
    Mlles = Mesdemoiselles
    MM. = Messieurs
    Dr = Docteur
    Dr. = Docteur
    Pr = Professeur
    Mgr = Monseigneur
    St = Saint
    Ste = Sainte
    p. ex. = par exemple
    par ex. = par exemple
    c.-à-d. = c'est-à-dire
    c-à-d = c'est-à-dire
    cf. = confer
    env. = environ
    approx. = approximativement
    av. J.-C. = avant Jésus-Christ
    apr. J.-C. = après Jésus-Christ
    ap. J.-C. = après Jésus-Christ
    vs = versus
    vs. = versus
    qqch. = quelque chose
    qqn = quelqu'un
    tél. = téléphone
    janv. = janvier
    févr. = février
    juil. = juillet
    oct. = octobre
    nov. = novembre
    déc. = décembre
    bd = boulevard
    svp = s'il vous plaît
    SVP = s'il vous plaît
    dép. = département
    max. = maximum
    min. = minimum
    hab. = habitants
    Cie = Compagnie
    """,
    anywhere="""
    etc. = et cetera
    et al. = et autres
    ibid. = ibidem
    id. = idem
    S.A. = S A
    """,
    before_number="""
    sept. = septembre
    p. = page
    pp. = pages
    vol. = volume
    chap. = chapitre
    fig. = figure
    art. = article
    ch. = chapitre
    t. = tome
    n. = note
    no = numéro
    nos = numéros
    No = numéro
    ca = circa
    ca. = circa
    v. = vers
    éd. = édition
    tab. = tableau
    sect. = section
    al. = alinéa
    \u00a7\u00a7 = paragraphes
    """,
    before_name="""
    M. = Monsieur
    Me = Maître
    R. = Révérend
    """,
)
SYMBOLS: Final = pairs("""
    \u2264 = inférieur ou égal à
    \u2265 = supérieur ou égal à
    \u2260 = différent de
    \u2248 = environ égal à
    \u2261 = identique à
    \u00b1 = plus ou moins
    \u00d7 = fois
    \u00f7 = divisé par
    \u2212 = moins
    \u221a = racine de
    \u221e = infini
    \u2211 = somme
    \u222b = intégrale
    \u2208 = appartient à
    \u2229 = inter
    \u222a = union
    && = et
    & = et
    \u00a7 = paragraphe
    \u00a9 = copyright
    \u2116 = numéro
    % = pour cent
    \u00b0 = degrés
    \u2713 = oui
    \u2717 = non
    == = égale
""")
SYMBOLS_BETWEEN: Final = {
    "+": "plus",
    "=": "égale",
    "<": "inférieur à",
    ">": "supérieur à",
    "<=": "inférieur ou égal à",
    ">=": "supérieur ou égal à",
    "!=": "différent de",
    "~": "environ",
}
FIXED: Final = {
    "24/7": "vingt-quatre sept",
    "50/50": "cinquante-cinquante",
    "24h/24": "vingt-quatre heures sur vingt-quatre",
}
VERSION_AFTER: Final = re.compile(
    r"\b([Vv]ersion|Python|Debian|Ubuntu|Linux|Java|PHP|Ruby|Perl|Node|Django|Windows|Android|iOS|macOS|TLS|HTTP|USB|Go|Rust"
    r"|Firefox|[Ss]ection|[Cc]hapitre|[Ff]igure|[Tt]ableau|[Aa]nnexe|[Pp]aragraphe)"
    r"[ /](\d{1,4}(?:\.\d{1,4}){1,3})(?![\w]|\.\d|%)"
)
SPELLED: Final = words("""
    ISBN ISSN UE USA UK IA TV CD DVD IP URL API PC SNCF RATP TGV CGT PME PIB TVA ADN OMS FMI EDF GDF CNRS HLM SMS
    FAQ PDG RER ISO IEEE AWS IBM BBC CNN MIT OCDE CAF RSA BD QI
""")
ACRONYMS: Final = words("""
    OTAN NASA UNESCO UNICEF OPEP SIDA RAM ROM ONU OVNI SMIC INSEE CROUS ENA FIFA UEFA JPEG JSON ASCII CERN COVID
    SARS LASER RADAR IKEA MEDEF ASSEDIC URSSAF BENELUX CEDEX AFNOR PACS CAPES UNIX
""")
STRESSED: Final = words("""
    à y a
    le la les un une des du de et ou mais donc or ni car ne pas non oui si que qui quoi dont où est sont était
    sera avec sans pour par sur sous dans en au aux ce cet cette ces mon ton son ma ta sa mes tes ses nos vos leur
    leurs je tu il elle on nous vous ils elles très plus moins tout tous toute toutes rien jamais toujours ici là
    attention important note stop deux trois quatre cinq six sept huit neuf dix bien mal fin nouveau
""")
DIVISIONS: Final = words("""
    chapitre partie tome livre acte scène volume section annexe figure tableau article titre niveau phase classe
    chant psaume leçon appendice guerre
""")
RULERS: Final = words("""
    Louis Henri Charles François Philippe Napoléon Jean Paul Pie Benoît Léon Grégoire Innocent Urbain Clément
    Sixte Jules Alexandre Nicolas Pierre Ivan Ramsès Ptolémée Darius Gustave Christian Frédéric Guillaume Georges
    Édouard Edouard Jacques Richard Robert Élisabeth Elisabeth Catherine Marie Isabelle Cléopâtre Victoria Victor
    Ferdinand Alphonse Maximilien Othon Léopold Albert Baudouin Rodolphe Joseph Juan Mehmed Sélim Soliman Hassan
    Mohammed Hugues
""")
FEMININE: Final = words("""
    page pages heure heures minute minutes seconde secondes fois personne personnes année années semaine semaines
    femme femmes fille filles livre livres ville villes maison maisons question questions réponse réponses ligne
    lignes voix image images chose choses partie parties étape étapes journée journées nuit nuits tonne tonnes
    voiture voitures école écoles entreprise entreprises pièce pièces table tables version versions erreur erreurs
    œuvre œuvres idée idées lettre lettres place places rue rues langue langues île îles
""")
