"""The words of English."""

from __future__ import annotations

import re
from typing import Final

from services.chunker.wording.tables import abbreviations, nouns, pairs, words, words_in_order

MONTHS: Final = words_in_order("""
    January February March April May June July August September October November December
""")
WORDS: Final = pairs("""
    dot = dot
    point = point
    slash = slash
    at = at
    dash = dash
    minus = minus
    plus = plus
    plus minus = plus or minus
    about = about
    to = to
    ratio = to
    over = over
    and = and
    hashtag = hashtag
    number = number
    sharp = sharp
    version = version
    squared = squared
    cubed = cubed
    power = to the power of
""")
UNITS: Final = nouns("""
    % percent
    \u2030 per mille
    nm nanometer/nanometers
    \u00b5m micrometer/micrometers
    \u03bcm micrometer/micrometers
    mm millimeter/millimeters
    cm centimeter/centimeters
    m meter/meters
    km kilometer/kilometers
    mi mile/miles
    ft foot/feet
    yd yard/yards
    mm\u00b2 square millimeter/square millimeters
    cm\u00b2 square centimeter/square centimeters
    m\u00b2 square meter/square meters
    km\u00b2 square kilometer/square kilometers
    cm\u00b3 cubic centimeter/cubic centimeters
    m\u00b3 cubic meter/cubic meters
    ha hectare/hectares
    sq ft square foot/square feet
    \u00b5g microgram/micrograms
    mg milligram/milligrams
    g gram/grams
    kg kilogram/kilograms
    t ton/tons
    lb pound/pounds
    lbs pound/pounds
    oz ounce/ounces
    ml milliliter/milliliters
    mL milliliter/milliliters
    cl centiliter/centiliters
    dl deciliter/deciliters
    l liter/liters
    L liter/liters
    ns nanosecond/nanoseconds
    \u00b5s microsecond/microseconds
    ms millisecond/milliseconds
    s second/seconds
    sec second/seconds
    min minute/minutes
    h hour/hours
    hr hour/hours
    hrs hours/hours
    km/h kilometer per hour/kilometers per hour
    kph kilometer per hour/kilometers per hour
    mph mile per hour/miles per hour
    m/s meter per second/meters per second
    m/s\u00b2 meter per second squared/meters per second squared
    mi/h mile per hour/miles per hour
    kg/m\u00b3 kilogram per cubic meter/kilograms per cubic meter
    g/cm\u00b3 gram per cubic centimeter/grams per cubic centimeter
    mg/l milligram per liter/milligrams per liter
    rpm revolution per minute/revolutions per minute
    fps frame per second/frames per second
    \u00b0C degree Celsius/degrees Celsius
    \u00b0F degree Fahrenheit/degrees Fahrenheit
    \u2103 degree Celsius/degrees Celsius
    \u2109 degree Fahrenheit/degrees Fahrenheit
    \u00b0 degree/degrees
    K kelvin/kelvins
    Hz hertz
    kHz kilohertz
    MHz megahertz
    GHz gigahertz
    W watt/watts
    kW kilowatt/kilowatts
    MW megawatt/megawatts
    GW gigawatt/gigawatts
    TW terawatt/terawatts
    Wh watt hour/watt hours
    kWh kilowatt hour/kilowatt hours
    MWh megawatt hour/megawatt hours
    GWh gigawatt hour/gigawatt hours
    TWh terawatt hour/terawatt hours
    V volt/volts
    mV millivolt/millivolts
    kV kilovolt/kilovolts
    A amp/amps
    mA milliamp/milliamps
    mAh milliamp hour/milliamp hours
    \u03a9 ohm/ohms
    \u2126 ohm/ohms
    k\u03a9 kilohm/kilohms
    N newton/newtons
    Nm newton meter/newton meters
    J joule/joules
    kJ kilojoule/kilojoules
    cal calorie/calories
    kcal kilocalorie/kilocalories
    Pa pascal/pascals
    hPa hectopascal/hectopascals
    kPa kilopascal/kilopascals
    MPa megapascal/megapascals
    mbar millibar/millibars
    psi pound per square inch/pounds per square inch
    hp horsepower
    dB decibel/decibels
    ppm part per million/parts per million
    bit bit/bits
    B byte/bytes
    kB kilobyte/kilobytes
    KB kilobyte/kilobytes
    MB megabyte/megabytes
    GB gigabyte/gigabytes
    TB terabyte/terabytes
    PB petabyte/petabytes
    KiB kibibyte/kibibytes
    MiB mebibyte/mebibytes
    GiB gibibyte/gibibytes
    TiB tebibyte/tebibytes
    kbit/s kilobit per second/kilobits per second
    kb/s kilobit per second/kilobits per second
    kbps kilobit per second/kilobits per second
    Mbit/s megabit per second/megabits per second
    Mb/s megabit per second/megabits per second
    Mbps megabit per second/megabits per second
    Gbit/s gigabit per second/gigabits per second
    Gbps gigabit per second/gigabits per second
    MB/s megabyte per second/megabytes per second
    GB/s gigabyte per second/gigabytes per second
    px pixel/pixels
    dpi dot per inch/dots per inch
    kcal/day kilocalorie per day/kilocalories per day
""")
CURRENCIES: Final = nouns("""
    $ dollar/dollars + cent/cents
    US$ dollar/dollars + cent/cents
    USD dollar/dollars + cent/cents
    \u20ac euro/euros + cent/cents
    EUR euro/euros + cent/cents
    \u00a3 pound/pounds + penny/pence
    GBP pound/pounds + penny/pence
    \u00a5 yen/yen
    JPY yen/yen
    CNY yuan/yuan
    \u20b9 rupee/rupees + paisa/paise
    INR rupee/rupees + paisa/paise
    \u20bd ruble/rubles + kopeck/kopecks
    \u20a9 won/won
    CHF Swiss franc/Swiss francs + centime/centimes
    C$ Canadian dollar/Canadian dollars + cent/cents
    CAD Canadian dollar/Canadian dollars + cent/cents
    A$ Australian dollar/Australian dollars + cent/cents
    AUD Australian dollar/Australian dollars + cent/cents
    \u00a2 cent/cents
    \u20bf bitcoin/bitcoins
""")
MAGNITUDES: Final = pairs("""
    thousand = thousand
    million = million
    billion = billion
    trillion = trillion
    k = thousand
    K = thousand
    m = million
    M = million
    mn = million
    bn = billion
    b = billion
    B = billion
    tn = trillion
    T = trillion
""")
ABBREVIATIONS: Final = abbreviations(
    titles="""
    Mr. = Mister
    Mr = Mister
    Mrs. = Missus
    Mrs = Missus
    Ms. = Miz
    Dr. = Doctor
    Drs. = Doctors
    Prof. = Professor
    Rev. = Reverend
    Hon. = Honorable
    Gov. = Governor
    Gen. = General
    Col. = Colonel
    Capt. = Captain
    Cpt. = Captain
    Lt. = Lieutenant
    Sgt. = Sergeant
    Maj. = Major
    Cmdr. = Commander
    Adm. = Admiral
    Sen. = Senator
    Rep. = Representative
    Supt. = Superintendent
    Mt. = Mount
    e.g. = for example
    eg. = for example
    i.e. = that is
    ie. = that is
    cf. = compare
    vs. = versus
    vs = versus
    v. = versus
    viz. = namely
    approx. = approximately
    appr. = approximately
    est. = established
    esp. = especially
    incl. = including
    excl. = excluding
    resp. = respectively
    a.k.a. = also known as
    aka = also known as
    w/o = without
    w/ = with
    b/c = because
    n/a = not applicable
    N/A = not applicable
    """,
    anywhere="""
    etc. = et cetera
    et al. = and others
    Jr. = Junior
    Sr. = Senior
    Inc. = Incorporated
    Ltd. = Limited
    Corp. = Corporation
    Bros. = Brothers
    Co. = Company
    Dept. = Department
    dept. = department
    Ave. = Avenue
    Blvd. = Boulevard
    Rd. = Road
    Ph.D. = P H D
    PhD = P H D
    M.D. = M D
    B.A. = B A
    M.A. = M A
    B.Sc. = B S C
    M.Sc. = M S C
    ibid. = ibidem
    misc. = miscellaneous
    govt. = government
    intl. = international
    a.m. = A M
    p.m. = P M
    A.D. = A D
    B.C. = B C
    B.C.E. = B C E
    C.E. = C E
    Jan. = January
    Feb. = February
    Aug. = August
    Sept. = September
    Oct. = October
    Nov. = November
    Dec. = December
    Mon. = Monday
    Tues. = Tuesday
    Thurs. = Thursday
    Fri. = Friday
    """,
    before_number="""
    Mar. = March
    Apr. = April
    Jun. = June
    Jul. = July
    Sep. = September
    No. = number
    Nos. = numbers
    no. = number
    nos. = numbers
    Nr. = number
    p. = page
    pp. = pages
    P. = page
    vol. = volume
    vols. = volumes
    Vol. = volume
    ch. = chapter
    Ch. = chapter
    chap. = chapter
    Chap. = chapter
    sec. = section
    Sec. = section
    sect. = section
    Sect. = section
    fig. = figure
    Fig. = figure
    figs. = figures
    Figs. = figures
    tab. = table
    Tab. = table
    eq. = equation
    Eq. = equation
    art. = article
    Art. = article
    para. = paragraph
    par. = paragraph
    ed. = edition
    app. = appendix
    App. = appendix
    ver. = version
    rev. = revision
    ca. = circa
    c. = circa
    b. = born
    d. = died
    Ex. = example
    ex. = example
    l. = line
    ll. = lines
    Tel. = telephone
    tel. = telephone
    ext. = extension
    Pt. = part
    pt. = part
    Bk. = book
    n. = note
    \u00a7\u00a7 = sections
    """,
    before_name="""
    St. = Saint
    Sta. = Santa
    Ft. = Fort
    Pres. = President
    """,
)
SYMBOLS: Final = pairs("""
    \u2264 = is less than or equal to
    \u2265 = is greater than or equal to
    \u2260 = is not equal to
    \u2248 = is about
    \u2261 = is identical to
    \u00b1 = plus or minus
    \u00d7 = times
    \u00f7 = divided by
    \u2212 = minus
    \u221a = square root of
    \u221e = infinity
    \u2211 = sum
    \u222b = integral
    \u2202 = partial
    \u2208 = in
    \u2229 = intersection
    \u222a = union
    \u221d = is proportional to
    && = and
    & = and
    \u00a7 = section
    \u00a9 = copyright
    \u2116 = number
    % = percent
    \u00b0 = degrees
    \u2713 = yes
    \u2717 = no
    == = equals
""")
SYMBOLS_BETWEEN: Final = {
    "+": "plus",
    "=": "equals",
    "<": "is less than",
    ">": "is greater than",
    "<=": "is less than or equal to",
    ">=": "is greater than or equal to",
    "!=": "is not equal to",
    "x": "x",
    "@": "at",
    "~": "about",
}
FIXED: Final = {"24/7": "twenty-four seven", "9/11": "nine eleven", "50/50": "fifty fifty", "50-50": "fifty fifty"}
VERSION_AFTER: Final = re.compile(
    r"\b([Vv]ersions?|[Rr]elease|Python|Debian|Ubuntu|Linux|Java|PHP|Ruby|Perl|Node|Django|Windows|Android|iOS|macOS|PostgreSQL|Postgres|MySQL|TLS|SSL|HTTP|USB|Bluetooth|CUDA|Go|Rust|GCC|GNOME|Firefox|[Ss]ection|[Cc]hapter|[Ff]igure|[Tt]able|[Ee]quation|[Aa]ppendix|[Ss]ubsection|[Cc]lause)"
    r"[ /](\d{1,4}(?:\.\d{1,4}){1,3})(?![\w]|\.\d|%)"
)
SPELLED: Final = words("""
    ISBN ISSN EU USA UK UN US IT AI UI UX OS PC TV CD DVD ID IP URL API CEO CFO CTO FAQ DIY ETA IBM NBA FBI CIA
    NSA BBC CNN MIT UCLA HIV IRA ISO IEEE AWS IOT EOF IDE AOL ATM EKG IQ UFO URI EPA FDA ICU SUV USB OECD AAA IRC
    IMAP ACPI UEFI IETF IANA AMQP HTML SQL
""")
ACRONYMS: Final = words("""
    NASA NATO UNESCO UNICEF OPEC AIDS SARS COVID RAM ROM LAN WAN MAC VAT PIN SIM GIF JPEG JSON YAML TOML ASCII
    BIOS RADAR LASER SONAR SCUBA SWAT PIXAR IKEA NAFTA ASEAN FIFA NASDAQ CAPTCHA BASIC COBOL FORTRAN PERL BASH
    GNOME GNU LATEX MIDI CERN DARPA ARPA REST CRUD SOAP AJAX RAID SATA WASP NIMBY POTUS SCOTUS FEMA OSHA HIPAA
    GIMP UNIX SCSI PETA FIDO NIST UEFA BREXIT
""")
STRESSED: Final = words("""
    a
    the and not all any or if no yes can may must shall should will would could do does did be been are is am was
    were have has had this that these those then than with without from into onto only never always also but for
    you your we our he she they them his her its my me him who what when where why how which more most less least
    very now here there please note warning caution important danger tip stop go new old big good bad one two
    three four five six seven eight nine ten both each every some none before after until while of in on at by to
    as so up out off over under again once just even too own same such own per via free read see use used end
    begin start
""") - {"us", "it"}
DIVISIONS: Final = words("""
    chapter part book volume act scene section appendix figure table article title level phase stage type class
    lesson canto psalm sonnet movement column war lecture
""")
RULERS: Final = words("""
    Louis Henry Charles Edward George William James Richard Elizabeth Mary Philip Alexander Nicholas Catherine
    Pius Paul John Benedict Leo Gregory Innocent Urban Clement Ferdinand Napoleon Ramses Rameses Ramesses
    Frederick Peter Ivan Otto Wilhelm Ludwig Francis Victoria Joseph Leopold Rudolf Rudolph Sixtus Julius Boniface
    Celestine Adrian Ptolemy Darius Xerxes Artaxerxes Mehmed Murad Selim Suleiman Gustav Christian Haakon Olaf
    Harald Carl Karl Albert Baldwin Amenhotep Thutmose Seti Cleopatra Juan Alfonso Isabella Constantine Justinian
    Theodosius Valentinian Basil Michael Leo Romanos Malcolm Robert David Umberto Emmanuel Maximilian Matthias
    Sigismund Ladislaus Casimir Stephen
""")
