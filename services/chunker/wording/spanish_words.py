"""The words of Spanish."""

from __future__ import annotations

import re
from typing import Final

from services.chunker.wording.si_units import si_units
from services.chunker.wording.tables import abbreviations, nouns, pairs, words, words_in_order

MONTHS: Final = words_in_order("""
    enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
""")
WORDS: Final = pairs("""
    dot = punto
    point = punto
    comma = coma
    slash = barra
    at = arroba
    dash = guion
    minus = menos
    plus = más
    plus minus = más menos
    about = unos
    to = a
    ratio = a
    over = entre
    and = y
    hashtag = almohadilla
    number = número
    sharp = sostenido
    version = versión
    squared = al cuadrado
    cubed = al cubo
    power = elevado a
""")
UNITS: Final = si_units(
    bases=nouns("""
        m metro/metros
        g gramo/gramos
        l litro/litros
        L litro/litros
        s segundo/segundos
        h f hora/horas
        Hz hercio/hercios
        W vatio/vatios
        Wh vatio hora/vatios hora
        V voltio/voltios
        A amperio/amperios
        Ah amperio hora/amperios hora
        \u03a9 ohmio/ohmios
        J julio/julios
        cal f caloría/calorías
        N newton/newtons
        Pa pascal/pascales
        bar bar/bares
        B byte/bytes
        bit bit/bits
        % por ciento
        \u2030 por mil
        t f tonelada/toneladas
        ha f hectárea/hectáreas
        min minuto/minutos
        seg segundo/segundos
        \u00b0C grado Celsius/grados Celsius
        \u00ba C grado Celsius/grados Celsius
        \u00baC grado Celsius/grados Celsius
        \u00b0F grado Fahrenheit/grados Fahrenheit
        \u2103 grado Celsius/grados Celsius
        \u00b0 grado/grados
        K kelvin/kelvins
        CV caballo/caballos
        dB decibelio/decibelios
        ppm f parte por millón/partes por millón
        px píxel/píxeles
        dpi punto por pulgada/puntos por pulgada
        mph f milla por hora/millas por hora
        rpm f revolución por minuto/revoluciones por minuto
    """),
    prefixes=pairs("""
        n = nano
        \u00b5 = micro
        \u03bc = micro
        m = mili
        c = centi
        d = deci
        h = hecto
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
    square=("{} cuadrado", "{} cuadrados"),
    cube=("{} cúbico", "{} cúbicos"),
    per="por",
    before_meter=pairs("""
        n = nanó
        \u00b5 = micró
        \u03bc = micró
        m = milí
        c = centí
        d = decí
        k = kiló
    """),
)
CURRENCIES: Final = nouns("""
    \u20ac euro/euros + céntimo/céntimos
    EUR euro/euros + céntimo/céntimos
    euros euro/euros + céntimo/céntimos
    $ dólar/dólares + centavo/centavos
    US$ dólar/dólares + centavo/centavos
    USD dólar/dólares + centavo/centavos
    MXN peso/pesos + centavo/centavos
    \u00a3 f libra/libras + penique/peniques
    GBP f libra/libras + penique/peniques
    \u00a5 yen/yenes
    JPY yen/yenes
    CHF franco suizo/francos suizos + céntimo/céntimos
    \u20bd rublo/rublos
    \u20bf bitcoin/bitcoins
""")
MAGNITUDES: Final = pairs("""
    k = mil
    K = mil
    M = millones
    mil = mil
    millón = millón
    millones = millones
    billones = billones
""")
ABBREVIATIONS: Final = abbreviations(
    titles="""
    Sr. = señor
    Sra. = señora
    Srta. = señorita
    Sres. = señores
    Sras. = señoras
    Dr. = doctor
    Dra. = doctora
    Prof. = profesor
    Profa. = profesora
    Lic. = licenciado
    Ing. = ingeniero
    Gral. = general
    Cap. = capitán
    Mons. = monseñor
    Dña. = doña
    D.ª = doña
    Sto. = santo
    Sta. = santa
    Ud. = usted
    Uds. = ustedes
    Vd. = usted
    Vds. = ustedes
    p. ej. = por ejemplo
    P. ej. = por ejemplo
    es decir = es decir
    a. C. = antes de Cristo
    d. C. = después de Cristo
    a. m. = de la mañana
    p. m. = de la tarde
    aprox. = aproximadamente
    máx. = máximo
    mín. = mínimo
    vs. = versus
    cf. = compárese
    tel. = teléfono
    Tel. = teléfono
    izq. = izquierda
    dcha. = derecha
    Avda. = avenida
    Av. = avenida
    c/ = calle
    C/ = calle
    depto. = departamento
    dpto. = departamento
    hab. = habitantes
    s/n = sin número
    ene. = enero
    feb. = febrero
    abr. = abril
    jun. = junio
    jul. = julio
    ago. = agosto
    oct. = octubre
    nov. = noviembre
    dic. = diciembre
    """,
    anywhere="""
    etc. = etcétera
    et al. = y otros
    EE. UU. = Estados Unidos
    EE.UU. = Estados Unidos
    EEUU = Estados Unidos
    JJ. OO. = Juegos Olímpicos
    RR. HH. = recursos humanos
    CC. OO. = Comisiones Obreras
    ibíd. = ibídem
    S. A. = S A
    S.A. = S A
    S. L. = S L
    Cía. = compañía
    """,
    before_number="""
    sept. = septiembre
    pág. = página
    págs. = páginas
    p. = página
    pp. = páginas
    núm. = número
    núms. = números
    Núm. = número
    No. = número
    Nro. = número
    art. = artículo
    arts. = artículos
    cap. = capítulo
    caps. = capítulos
    vol. = volumen
    t. = tomo
    fig. = figura
    ed. = edición
    secc. = sección
    ca. = circa
    c. = circa
    n. = nota
    \u00a7\u00a7 = párrafos
    """,
    before_name="""
    D. = don
    S. = san
    """,
)
SYMBOLS: Final = pairs("""
    \u2264 = menor o igual que
    \u2265 = mayor o igual que
    \u2260 = distinto de
    \u2248 = aproximadamente igual a
    \u2261 = idéntico a
    \u00b1 = más menos
    \u00d7 = por
    \u00f7 = dividido entre
    \u2212 = menos
    \u221a = raíz cuadrada de
    \u221e = infinito
    \u2211 = suma
    \u222b = integral
    \u2208 = pertenece a
    \u2229 = intersección
    \u222a = unión
    && = y
    & = y
    \u00a7 = párrafo
    \u00a9 = copyright
    \u2116 = número
    % = por ciento
    \u00b0 = grados
    \u2713 = sí
    \u2717 = no
    == = igual a
""")
SYMBOLS_BETWEEN: Final = {
    "+": "más",
    "=": "igual a",
    "<": "menor que",
    ">": "mayor que",
    "<=": "menor o igual que",
    ">=": "mayor o igual que",
    "!=": "distinto de",
    "~": "unos",
}
FIXED: Final = {"24/7": "veinticuatro siete", "50/50": "cincuenta cincuenta", "11-S": "once ese", "11-M": "once eme"}
VERSION_AFTER: Final = re.compile(
    r"\b([Vv]ersión|Python|Debian|Ubuntu|Linux|Java|PHP|Ruby|Perl|Node|Django|Windows|Android|iOS|macOS|TLS|HTTP|USB|Go|Rust"
    r"|Firefox|[Ss]ección|[Cc]apítulo|[Ff]igura|[Tt]abla|[Aa]nexo|[Aa]partado)"
    r"[ /](\d{1,4}(?:\.\d{1,4}){1,3})(?![\w]|\.\d|%)"
)
SPELLED: Final = words("""
    ISBN ISSN UE USA UK IA TV CD DVD IP URL API PC ADN PP FMI BCE OMS ONG DNI CEO ISO IEEE AWS IBM BBC CNN MIT
    RTVE OCDE IPC IRPF QR
""")
ACRONYMS: Final = words("""
    OTAN NASA UNESCO UNICEF OPEP SIDA RAM ROM ONU OVNI RENFE FIFA UEFA JPEG JSON ASCII CERN COVID SARS LASER RADAR
    IKEA PSOE IBEX PYME TALGO AVE UNED INEM SEAT UNIX ETA IVA PIB RAE UNAM
""")
STRESSED: Final = words("""
    e u
    el la los las un una unos unas y o pero ni no sí si que qué quien quién cuando donde como cómo es son era fue
    será con sin por para en a al del de desde hasta sobre entre este esta estos estas ese esa eso su sus mi tu
    mis tus yo él ella nosotros ellos muy más menos todo todos toda todas nada nunca siempre aquí allí ahora
    atención importante nota aviso stop dos tres cuatro cinco seis siete ocho nueve diez bien mal fin nuevo vez
""")
DIVISIONS: Final = words("""
    capítulo parte tomo libro acto escena volumen sección anexo figura tabla artículo título nivel fase clase
    canto salmo lección apéndice mundial
""")
RULERS: Final = words("""
    Felipe Carlos Alfonso Fernando Isabel Juan Jaime Pedro Enrique Sancho Ramiro Luis Napoleón Pablo Pío Benedicto
    León Gregorio Inocencio Urbano Clemente Sixto Julio Alejandro Nicolás Iván Ramsés Ptolomeo Darío Gustavo
    Federico Guillermo Jorge Eduardo Jacobo Ricardo Roberto Catalina María Cleopatra Victoria Víctor Maximiliano
    Leopoldo Alberto Balduino Rodolfo José Selim Solimán Mohamed Hasán Abderramán Ordoño Bermudo Amadeo Francisco
""")
QUEENS: Final = words("""
    Isabel Catalina María Cleopatra Victoria Juana Margarita
""")
MASCULINE_IN_A: Final = words("""
    día días problema problemas mapa mapas sistema sistemas tema temas programa programas idioma idiomas planeta
    planetas clima poema poemas drama dramas tranvía poeta poetas artista artistas atleta atletas periodista
    periodistas a la las una era está para contra hasta cada nada hora-hombre esta ella
""")
FEMININE_OTHERWISE: Final = words("""
    veces vez mujeres mujer noches noche tardes tarde clases clase partes parte calles calle manos mano leyes ley
    luces voces imágenes imagen series serie
""")
