"""The cast: simulated readers with random given and family names of many cultures."""

# ruff: noqa: RUF001 - names are written in their own scripts, look-alike letters included.

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from readwatch.demo.books import LEVELS


class Habit(StrEnum):
    """The habit of a reader; `habits.MANNERS` has its parameters."""

    STEADY = "steady"
    BURSTS = "bursts"
    PAUSES = "pauses"
    FALLS_SILENT = "falls_silent"
    QUIZ_TAKER = "quiz_taker"
    COMES_BACK = "comes_back"


@dataclass(frozen=True, slots=True)
class SimulatedReader:
    """A simulated reader; the e-mail is unique within one cast."""

    email: str
    full_name: str
    reading_level: str
    preferred_language: str
    timezone: str
    device_type: str
    user_agent: str
    habit: Habit


@dataclass(frozen=True, slots=True)
class Culture:
    """Names of one culture, comma-separated; `name/ascii` if the e-mail needs another spelling."""

    language: str
    timezones: str
    given: str
    family: str
    pattern: str = "{given} {family}"


CULTURES: Final = (
    Culture(
        "en",
        "Europe/London,America/New_York,America/Los_Angeles,Australia/Sydney",
        "Ada,Beatrice,Clement,Dorothea,Edwin,Harriet,Jasper,Maud,Percival,Rowena,Silas,Winifred",
        "Ashdown,Birtwhistle,Coppersmith,Fairweather,Hollowell,Larkspur,Merriweather,Quill,Thorne",
    ),
    Culture(
        "en",
        "Europe/Dublin",
        "Aoife,Caoimhe,Diarmuid,Fionnuala,Niamh,Oisín,Ruairí,Siobhán",
        "D'Arcy,Mac Giolla Phádraig,Ní Dhomhnaill,O'Callaghan,O'Sullivan,Ó Súilleabháin",
    ),
    Culture(
        "en",
        "Africa/Lagos,Africa/Accra",
        "Adaeze,Chidi,Folaṣadé,Kwabena,Ngozi,Olúwaṣeun,Temitọpẹ,Yaa",
        "Adébáyọ̀,Boateng,Eze,Mensah,Nwachukwu,Okonkwo,Ọlátúnjí",
    ),
    Culture(
        "es",
        "Europe/Madrid,America/Mexico_City,America/Bogota,America/Argentina/Buenos_Aires",
        "Begoña,Íñigo,Joaquín,Lucía,María de los Ángeles,Nicolás,Ximena,Zulema",
        "Castañeda,Fernández de la Vega y Montenegro,Ibáñez,Muñoz Peñalver,Núñez,Zúñiga",
    ),
    Culture(
        "fr",
        "Europe/Paris,America/Montreal,Africa/Dakar",
        "Aïssatou,Anaïs,François,Gaëlle,Hélène,Jean-Baptiste,Maëlys,Noël,Zoé",
        "Beauséjour,d'Aubépine,Desrosiers,Lefèvre,L'Écuyer,N'Diaye,Pélissier",
    ),
    Culture(
        "de",
        "Europe/Berlin,Europe/Vienna,Europe/Zurich",
        "Friederike,Jürgen,Käthe,Lorenz,Mechthild,Sören,Ulrike,Wolfgang",
        "Großmann/grossmann,Hölzl,Müller-Lüdenscheidt,Schößler/schoessler,von der Heide,Zähringer",
    ),
    Culture(
        "it",
        "Europe/Rome",
        "Chiara,Eleonora,Ettore,Giosuè,Ludovica,Niccolò,Ottavia,Ugo",
        "Bevilacqua,D'Angelo,Della Rovere,Fumagalli,Passalacqua,Quattrocchi",
    ),
    Culture(
        "pt",
        "America/Sao_Paulo,Europe/Lisbon",
        "Antônio,Conceição,Inês,João,Luíza,Simão,Thaís,Vinícius",
        "Araújo,Brandão,da Conceição e Silva,Gonçalves,Magalhães,Valadão",
    ),
    Culture(
        "ja",
        "Asia/Tokyo",
        "陽菜/hina,結衣/yui,蓮/ren,さくら/sakura,大翔/hiroto,美咲/misaki,健太/kenta,ユウコ/yuko",
        "佐藤/sato,鈴木/suzuki,高橋/takahashi,渡辺/watanabe,小笠原/ogasawara,勅使河原/teshigawara",
        "{family} {given}",
    ),
    Culture(
        "zh",
        "Asia/Shanghai,Asia/Taipei,Asia/Singapore",
        "芳/fang,偉/wei,秀英/xiuying,子涵/zihan,浩然/haoran,雨桐/yutong,建國/jianguo",
        "王/wang,李/li,陳/chen,歐陽/ouyang,司馬/sima,劉/liu,黃/huang",
        "{family}{given}",
    ),
    Culture(
        "ko",
        "Asia/Seoul",
        "서연/seoyeon,민준/minjun,하은/haeun,도윤/doyun,지우/jiu,은서/eunseo",
        "김/kim,이/lee,박/park,최/choi,남궁/namgung,황보/hwangbo",
        "{family}{given}",
    ),
    Culture(
        "ar",
        "Africa/Cairo,Asia/Riyadh,Africa/Casablanca",
        "ليلى/layla,يوسف/yusuf,فاطمة/fatima,عمر/omar,نور/nour,زينب/zaynab,كريم/karim",
        "الخطيب/alkhatib,النجار/alnajjar,حداد/haddad,بن علي/benali,سالم/salem,عبد الله/abdullah",
    ),
    Culture(
        "he",
        "Asia/Jerusalem",
        "נועה/noa,איתן/eitan,תמר/tamar,יונתן/yonatan,שירה/shira",
        "לוי/levi,מזרחי/mizrahi,בן־דוד/bendavid,שפירא/shapira",
    ),
    Culture(
        "ru",
        "Europe/Moscow,Asia/Yekaterinburg,Asia/Vladivostok",
        "Анна/anna,Борис/boris,Дарья/darya,Фёдор/fyodor,Ксения/ksenia,Лев/lev,Юлия/yulia",
        "Воробей/vorobey,Журавлёв/zhuravlev,Коваленко/kovalenko,Соловей/solovey,Щука/shchuka",
    ),
    Culture(
        "hi",
        "Asia/Kolkata",
        "आरव/aarav,दिव्या/divya,ईशान/ishaan,कविता/kavita,लक्ष्मी/lakshmi,रोहन/rohan",
        "अग्रवाल/agarwal,चट्टोपाध्याय/chattopadhyay,जोशी/joshi,मिश्रा/mishra,शर्मा/sharma",
    ),
    Culture(
        "tr",
        "Europe/Istanbul",
        "Çağla,Emre,Gülşen,Işıl/isil,Oğuz,Şule,Ümit",
        "Çelik,Karaoğlu,Öztürk,Şahin,Yıldız/yildiz",
    ),
    Culture(
        "pl",
        "Europe/Warsaw",
        "Agnieszka,Grzegorz,Łucja/lucja,Małgorzata/malgorzata,Stanisław/stanislaw,Żaneta",
        "Chrząszcz,Gżegżółka/gzegzolka,Jabłoński/jablonski,Świętosławski/swietoslawski,Źrebiec",
    ),
    Culture(
        "el",
        "Europe/Athens",
        "Δανάη/danai,Ελένη/eleni,Θανάσης/thanasis,Νίκος/nikos,Χλόη/chloi",
        "Αγγελόπουλος/angelopoulos,Γαλανός/galanos,Μαύρος/mavros,Χατζηγιάννης/chatzigiannis",
    ),
    Culture(
        "vi",
        "Asia/Ho_Chi_Minh",
        "Bảo Ngọc,Đức/duc,Minh Châu,Quỳnh Như,Thị Hồng,Tuấn",
        "Đặng/dang,Huỳnh,Lê,Nguyễn,Phạm,Trần",
        "{family} {given}",
    ),
    Culture(
        "is",
        "Atlantic/Reykjavik",
        "Ásdís,Bjarki,Guðrún/gudrun,Hrafnhildur,Þórður/thordur",
        "Eiríksdóttir,Hallgrímsson,Snæbjörnsson/snaebjornsson,Þorgrímsdóttir/thorgrimsdottir",
    ),
    Culture("en", "Asia/Jakarta", "Kusuma,Lestari,Prasetyo,Suharti,Wulandari", "", "{given}"),
    Culture(
        "fr",
        "Indian/Antananarivo",
        "Fanjaniaina,Haingotiana,Tahirintsoa,Voahangiarisoa",
        "Andriamanantenasoa,Rakotoarimanana,Ravelonarivonjatovo",
        "{family} {given}",
    ),
)

_AGENTS: Final = {
    "mobile": ("iPhone; iOS 19.4", "Android 16; Pixel 10", "Android 14; SM-A556B"),
    "tablet": ("iPad; iPadOS 19.4", "Android 15; SM-X710", "Kobo Libra Colour; KOReader"),
    "desktop": ("Windows NT 10.0; x64", "Macintosh; macOS 26", "X11; Linux x86_64"),
}
_DEVICE_WEIGHTS: Final = (55, 20, 25)
_LEVEL_WEIGHTS: Final = (8, 16, 26, 26, 16, 8)
_HABIT_WEIGHTS: Final = {
    Habit.STEADY: 35,
    Habit.BURSTS: 20,
    Habit.PAUSES: 12,
    Habit.FALLS_SILENT: 12,
    Habit.QUIZ_TAKER: 13,
    Habit.COMES_BACK: 8,
}


def cast(count: int, rng: Random) -> tuple[SimulatedReader, ...]:
    """Return `count` readers; with the same seed a longer cast begins with the shorter cast."""
    return tuple(_readers(count, rng))


def user_agent(device_type: str, rng: Random) -> str:
    """Return the User-Agent header of the reading app on a device of this type."""
    version = f"{rng.randint(4, 6)}.{rng.randint(0, 9)}"
    return f"ReadingRoom/{version} ({rng.choice(_AGENTS[device_type])})"


def _readers(count: int, rng: Random) -> Iterator[SimulatedReader]:
    namesakes: Counter[str] = Counter()
    for _ in range(count):
        culture = rng.choice(CULTURES)
        given, given_ascii = _name(culture.given, rng)
        family, family_ascii = _name(culture.family, rng)
        mailbox = ".".join(part for part in (given_ascii, family_ascii) if part)
        namesakes[mailbox] += 1
        # Names end in a letter, so "anna.quill2" can only be the second anna.quill.
        number = str(namesakes[mailbox]) if namesakes[mailbox] > 1 else ""
        device_type = rng.choices(tuple(_AGENTS), _DEVICE_WEIGHTS)[0]
        yield SimulatedReader(
            email=f"{mailbox}{number}@example.org",
            full_name=culture.pattern.format(given=given, family=family),
            reading_level=rng.choices(LEVELS, _LEVEL_WEIGHTS)[0],
            preferred_language=culture.language,
            timezone=rng.choice(culture.timezones.split(",")),
            device_type=device_type,
            user_agent=user_agent(device_type, rng),
            habit=rng.choices(tuple(_HABIT_WEIGHTS), tuple(_HABIT_WEIGHTS.values()))[0],
        )


def _name(names: str, rng: Random) -> tuple[str, str]:
    name, _, ascii_name = rng.choice(names.split(",")).partition("/")
    plain = unicodedata.normalize("NFKD", ascii_name or name).lower()
    return name, re.sub("[^a-z]", "", plain)
