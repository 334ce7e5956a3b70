"""The books of the simulated readers: public domain, in many languages and scripts."""

# ruff: noqa: RUF001 - titles are written in their own scripts, look-alike letters included.

from collections.abc import Collection
from dataclasses import dataclass
from random import Random
from typing import Final

LEVELS: Final = ("A1", "A2", "B1", "B2", "C1", "C2")
PAGES_PER_CHAPTER: Final = 10  # pages of the size of a screen; a step is shorter than a chapter


@dataclass(frozen=True, slots=True)
class Book:
    """A book in the reading app; `level` is the CEFR level that the book requires."""

    content_id: str
    title: str
    author: str
    chapters: int
    language: str
    level: str

    @property
    def pages(self) -> int:
        """The number of pages, the same in every chapter."""
        return self.chapters * PAGES_PER_CHAPTER


CATALOGUE: Final[tuple[Book, ...]] = (
    Book("austen-pride-and-prejudice", "Pride and Prejudice", "Jane Austen", 61, "en", "C1"),
    Book("stoker-dracula", "Dracula", "Bram Stoker", 27, "en", "B2"),
    Book("melville-moby-dick", "Moby-Dick; or, The Whale", "Herman Melville", 135, "en", "C2"),
    Book("shelley-frankenstein", "Frankenstein", "Mary Shelley", 24, "en", "C1"),
    Book("carroll-alice", "Alice’s Adventures in Wonderland", "Lewis Carroll", 12, "en", "B1"),
    Book("doyle-adventures", "The Adventures of Sherlock Holmes", "A. C. Doyle", 12, "en", "B2"),
    Book("bronte-jane-eyre", "Jane Eyre: An Autobiography", "Charlotte Brontë", 38, "en", "C1"),
    Book("wells-time-machine", "The Time Machine", "H. G. Wells", 16, "en", "B2"),
    Book("dickens-christmas-carol", "A Christmas Carol", "Charles Dickens", 5, "en", "B2"),
    Book("baum-oz", "The Wonderful Wizard of Oz", "L. Frank Baum", 24, "en", "A2"),
    Book("potter-peter-rabbit", "The Tale of Peter Rabbit", "Beatrix Potter", 2, "en", "A1"),
    Book("twain-huckleberry-finn", "Adventures of Huckleberry Finn", "Mark Twain", 43, "en", "B2"),
    Book(
        "defoe-crusoe",
        "The Life and Strange Surprizing Adventures of Robinson Crusoe, of York, Mariner: Who "
        "lived Eight and Twenty Years, all alone in an un-inhabited Island on the Coast of America",
        "Daniel Defoe",
        20,
        "en",
        "C1",
    ),
    Book("cervantes-quijote", "Don Quijote de la Mancha", "Miguel de Cervantes", 126, "es", "C2"),
    Book("galdos-marianela", "Marianela", "Benito Pérez Galdós", 22, "es", "B2"),
    Book("hugo-miserables", "Les Misérables", "Victor Hugo", 365, "fr", "C2"),
    Book("verne-80-jours", "Le Tour du monde en 80 jours", "Jules Verne", 37, "fr", "B1"),
    Book("flaubert-bovary", "Madame Bovary", "Gustave Flaubert", 35, "fr", "C1"),
    Book("perrault-contes", "Les Contes de ma mère l’Oye", "Charles Perrault", 8, "fr", "A2"),
    Book("goethe-faust", "Faust. Eine Tragödie", "Johann Wolfgang Goethe", 25, "de", "C2"),
    Book("kafka-verwandlung", "Die Verwandlung", "Franz Kafka", 3, "de", "B2"),
    Book("fontane-effi-briest", "Effi Briest", "Theodor Fontane", 36, "de", "C1"),
    Book("grimm-maerchen", "Kinder- und Hausmärchen", "Brüder Grimm", 200, "de", "A2"),
    Book("collodi-pinocchio", "Le avventure di Pinocchio", "Carlo Collodi", 36, "it", "B1"),
    Book("dante-commedia", "La Divina Commedia", "Dante Alighieri", 100, "it", "C2"),
    Book("machado-dom-casmurro", "Dom Casmurro", "Machado de Assis", 148, "pt", "B2"),
    Book("camoes-lusiadas", "Os Lusíadas", "Luís de Camões", 10, "pt", "C2"),
    Book("soseki-neko", "吾輩は猫である", "夏目漱石", 11, "ja", "C1"),
    Book("soseki-botchan", "坊っちゃん", "夏目漱石", 11, "ja", "B2"),
    Book("miyazawa-ginga", "銀河鉄道の夜", "宮沢賢治", 9, "ja", "B1"),
    Book("cao-honglou", "紅樓夢", "曹雪芹", 120, "zh", "C2"),
    Book("wu-xiyouji", "西遊記", "吳承恩", 100, "zh", "C1"),
    Book("lu-kuangren", "狂人日記", "魯迅", 13, "zh", "B2"),
    Book("yi-mujeong", "무정", "이광수", 126, "ko", "B2"),
    Book("tolstoy-voina-i-mir", "Война и мир", "Лев Толстой", 361, "ru", "C2"),
    Book("dostoevsky-prestuplenie", "Преступление и наказание", "Ф. Достоевский", 41, "ru", "C1"),
    Book("pushkin-onegin", "Евгений Онегин", "Александр Пушкин", 8, "ru", "B2"),
    Book("alf-layla", "ألف ليلة وليلة", "مجهول", 1001, "ar", "C1"),
    Book("muqaffa-kalila", "كليلة ودمنة", "ابن المقفع", 15, "ar", "B2"),
    Book("mickiewicz-pan-tadeusz", "Pan Tadeusz", "Adam Mickiewicz", 12, "pl", "C1"),
    Book("homer-odysseia", "Ὀδύσσεια", "Ὅμηρος", 24, "el", "C2"),
    Book("premchand-godan", "गोदान", "प्रेमचंद", 36, "hi", "B2"),
    Book("nguyen-du-kieu", "Truyện Kiều", "Nguyễn Du", 12, "vi", "C1"),
    Book("njals-saga", "Brennu-Njáls saga", "Óþekktur höfundur", 159, "is", "C1"),
)


def pick(language: str, level: str, finished: Collection[str], rng: Random) -> Book:
    """Pick an unfinished book, if possible in the reader's language and near the reader's level.

    If all books are finished, pick any book.
    """
    books = [book for book in CATALOGUE if book.content_id not in finished] or CATALOGUE
    reach = LEVELS.index(level) + 1
    weights = [
        (8.0 if book.language == language else 2.0 if book.language == "en" else 0.4)
        * (1.0 if LEVELS.index(book.level) <= reach else 0.1)
        for book in books
    ]
    return rng.choices(books, weights)[0]
