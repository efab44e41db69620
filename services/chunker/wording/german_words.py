"""The words of German."""

from __future__ import annotations

import re
from typing import Final

from services.chunker.wording.si_units import si_units
from services.chunker.wording.tables import abbreviations, nouns, pairs, words, words_in_order

MONTHS: Final = words_in_order("""
    Januar Februar März April Mai Juni Juli August September Oktober November Dezember
""")
WORDS: Final = pairs("""
    dot = Punkt
    point = Punkt
    comma = Komma
    slash = Schrägstrich
    at = ät
    dash = Bindestrich
    minus = minus
    plus = plus
    plus minus = plus minus
    about = etwa
    to = bis
    ratio = zu
    over = durch
    and = und
    hashtag = Hashtag
    number = Nummer
    sharp = Sharp
    version = Version
    squared = Quadrat
    cubed = hoch drei
    power = hoch
""")
UNITS: Final = si_units(
    bases=nouns("""
        m Meter
        g Gramm
        l Liter
        L Liter
        s f Sekunde/Sekunden
        h f Stunde/Stunden
        Hz Hertz
        W Watt
        Wh f Wattstunde/Wattstunden
        V Volt
        A Ampere
        Ah f Amperestunde/Amperestunden
        \u03a9 Ohm
        J Joule
        cal f Kalorie/Kalorien
        N Newton
        Pa Pascal
        bar Bar
        B Byte
        bit Bit
        % Prozent
        \u2030 Promille
        t f Tonne/Tonnen
        ha Hektar
        min f Minute/Minuten
        Min. f Minute/Minuten
        Std. f Stunde/Stunden
        Sek. f Sekunde/Sekunden
        \u00b0C Grad Celsius
        \u00b0F Grad Fahrenheit
        \u2103 Grad Celsius
        \u00b0 Grad
        K Kelvin
        PS PS
        dB Dezibel
        ppm Teile pro Million
        px Pixel
        dpi D P I
        mph f Meile pro Stunde/Meilen pro Stunde
        U/min f Umdrehung pro Minute/Umdrehungen pro Minute
        qm Quadratmeter
        ccm Kubikzentimeter
        EL Esslöffel
        TL Teelöffel
    """),
    prefixes=pairs("""
        n = nano
        \u00b5 = mikro
        \u03bc = mikro
        m = milli
        c = zenti
        d = dezi
        h = hekto
        k = kilo
        K = kilo
        M = mega
        G = giga
        T = tera
        P = peta
        Ki = kibi
        Mi = mebi
        Gi = gibi
        Ti = tebi
    """),
    square=("Quadrat{}", "Quadrat{}"),
    cube=("Kubik{}", "Kubik{}"),
    per="pro",
)
CURRENCIES: Final = nouns("""
    \u20ac Euro + Cent
    EUR Euro + Cent
    Euro Euro + Cent
    $ Dollar + Cent
    US$ U S Dollar + Cent
    USD U S Dollar + Cent
    Dollar Dollar + Cent
    \u00a3 Pfund + Pence
    GBP Pfund + Pence
    \u00a5 Yen
    JPY Yen
    CHF Franken + Rappen
    DM f Mark + Pfennig
    Cent Cent
    ct Cent
    \u20bd Rubel
    \u20bf Bitcoin
""")
MAGNITUDES: Final = pairs("""
    Mio. = Millionen
    Mill. = Millionen
    Mrd. = Milliarden
    Tsd. = Tausend
    Million = Million
    Millionen = Millionen
    Milliarde = Milliarde
    Milliarden = Milliarden
    Billionen = Billionen
""")
ABBREVIATIONS: Final = abbreviations(
    titles="""
    Dr. = Doktor
    Prof. = Professor
    Hr. = Herr
    Hrn. = Herrn
    Ing. = Ingenieur
    Dipl.-Ing. = Diplomingenieur
    Mag. = Magister
    z. B. = zum Beispiel
    z. T. = zum Teil
    z. Zt. = zur Zeit
    z. Z. = zur Zeit
    d. h. = das heißt
    i. d. R. = in der Regel
    i. Allg. = im Allgemeinen
    i. e. S. = im engeren Sinne
    u. U. = unter Umständen
    u. a. = unter anderem
    u. ä. = und ähnliche
    o. ä. = oder ähnliche
    s. o. = siehe oben
    s. u. = siehe unten
    v. a. = vor allem
    m. E. = meines Erachtens
    n. Chr. = nach Christus
    v. Chr. = vor Christus
    bzw. = beziehungsweise
    bspw. = beispielsweise
    bzgl. = bezüglich
    ca. = zirka
    evtl. = eventuell
    ggf. = gegebenenfalls
    vgl. = vergleiche
    inkl. = inklusive
    exkl. = exklusive
    zzgl. = zuzüglich
    abzgl. = abzüglich
    einschl. = einschließlich
    sog. = sogenannte
    allg. = allgemein
    mind. = mindestens
    max. = maximal
    lt. = laut
    geb. = geboren
    gest. = gestorben
    verh. = verheiratet
    vs. = versus
    Mio. = Millionen
    Mrd. = Milliarden
    Tsd. = Tausend
    Jan. = Januar
    Feb. = Februar
    Apr. = April
    Aug. = August
    Sept. = September
    Okt. = Oktober
    Nov. = November
    Dez. = Dezember
    Hrsg. = Herausgeber
    Tel. = Telefon
    Univ. = Universität
    dt. = deutsch
    engl. = englisch
    frz. = französisch
    """,
    anywhere="""
    usw. = und so weiter
    etc. = et cetera
    u. v. m. = und vieles mehr
    u. a. m. = und anderes mehr
    Jh. = Jahrhundert
    Jhd. = Jahrhundert
    Jhs. = Jahrhunderts
    Str. = Straße
    e. V. = eingetragener Verein
    a. D. = außer Dienst
    MwSt. = Mehrwertsteuer
    MwSt = Mehrwertsteuer
    """,
    before_number="""
    Nr. = Nummer
    Nrn. = Nummern
    S. = Seite
    Bd. = Band
    Bde. = Bände
    Kap. = Kapitel
    Abs. = Absatz
    Art. = Artikel
    Abb. = Abbildung
    Tab. = Tabelle
    Aufl. = Auflage
    Anm. = Anmerkung
    Ziff. = Ziffer
    Z. = Zeile
    Sp. = Spalte
    Vers. = Version
    Mär. = März
    Jun. = Juni
    Jul. = Juli
    Sep. = September
    \u00a7\u00a7 = Paragraphen
    """,
    before_name="""
    St. = Sankt
    Fr. = Frau
    Frl. = Fräulein
    """,
)
SYMBOLS: Final = pairs("""
    \u2264 = kleiner gleich
    \u2265 = größer gleich
    \u2260 = ungleich
    \u2248 = ungefähr
    \u2261 = identisch mit
    \u00b1 = plus minus
    \u00d7 = mal
    \u00b7 = mal
    \u00f7 = geteilt durch
    \u2212 = minus
    \u221a = Wurzel aus
    \u221e = unendlich
    \u2211 = Summe
    \u222b = Integral
    \u2208 = Element von
    \u2229 = geschnitten mit
    \u222a = vereinigt mit
    && = und
    & = und
    \u00a7 = Paragraph
    \u00a9 = Copyright
    \u2116 = Nummer
    % = Prozent
    \u00b0 = Grad
    \u2713 = ja
    \u2717 = nein
    == = gleich
""")
SYMBOLS_BETWEEN: Final = {
    "+": "plus",
    "=": "gleich",
    "<": "kleiner als",
    ">": "größer als",
    "<=": "kleiner gleich",
    ">=": "größer gleich",
    "!=": "ungleich",
    "~": "etwa",
}
FIXED: Final = {"24/7": "vierundzwanzig sieben", "50/50": "fünfzig fünfzig", "50:50": "fünfzig zu fünfzig"}
VERSION_AFTER: Final = re.compile(
    r"\b([Vv]ersion|Python|Debian|Ubuntu|Linux|Java|PHP|Ruby|Perl|Node|Django|Windows|Android|iOS|macOS|TLS|HTTP|USB|Go|Rust"
    r"|Firefox|Abschnitt|Kapitel|Abbildung|Tabelle|Anhang|Paragraph|Punkt)"
    r"[ /](\d{1,4}(?:\.\d{1,4}){1,3})(?![\w]|\.\d|%)"
)
SPELLED: Final = words("""
    ISBN ISSN EU USA IT AI KI UI PC TV CD DVD ID IP URL API DIY ADAC ARD AOK AEG ICE IBM BBC CNN MIT EDV ÖPNV EZB
    IG ÖVP BIP ISO IEEE AWS UFO USB SUV ETA FAQ CEO HIV IQ
""")
ACRONYMS: Final = words("""
    NATO NASA UNESCO UNICEF OPEC AIDS RAM ROM LAN WLAN GEMA BAföG DAX IKEA FIFA PIN TAN SIM JPEG JSON YAML ASCII
    GAU TÜV RADAR LASER CERN EDEKA HARIBO ADIDAS COVID SARS POSIX UNIX DIN DAU UEFA UNO
""")
STRESSED: Final = words("""
    der die das den dem des ein eine einen einem einer eines und oder aber nicht kein keine nur alle alles jede
    jeder jedes ist sind war waren wird werden kann muss soll darf hat haben sein bei mit von zu zum zur aus auf
    an in im am um für gegen ohne über unter vor nach seit bis durch als wie wenn weil dass ob so auch noch schon
    sehr mehr immer nie nein ja ich du er sie es wir ihr mich dich uns euch mein dein unser wer was wo wann warum
    hier dort jetzt neu alt gut achtung wichtig hinweis warnung tipp bitte stopp los eins zwei drei vier fünf
    sechs sieben acht neun zehn
""")
DIVISIONS: Final = words("""
    kapitel teil buch band akt aufzug szene abschnitt anhang abbildung tafel tabelle artikel titel klasse stufe
    phase psalm gesang satz weltkrieg vorlesung
""")
RULERS: Final = words("""
    Ludwig Heinrich Karl Friedrich Wilhelm Georg Otto Philipp Franz Joseph Josef Leopold Rudolf Maximilian
    Ferdinand Albrecht Konrad Johannes Paul Pius Benedikt Leo Gregor Innozenz Urban Clemens Sixtus Julius
    Alexander Nikolaus Peter Iwan Napoleon Ramses Ptolemaios Dareios Gustav Adolf Christian Erik Harald Olaf
    Eduard Jakob Richard Robert David Ernst August Johann Elisabeth Katharina Maria Margarethe Isabella Kleopatra
    Viktoria Viktor Emanuel Umberto Juan Alfons Mehmed Selim Murad
""")
QUEENS: Final = words("""
    Elisabeth Katharina Maria Margarethe Isabella Kleopatra Viktoria
""")
