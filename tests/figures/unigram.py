"""Writes unigram.json: tokens of texts by SentencePiece itself, with the pieces and scores of the table of @sona/multilingual.

    tools/distill/python.sh tests/figures/unigram.py

tests/unigram.rs compares. Random texts are of pieces and of characters of a script; longer ones are words of many scripts. Characters
that are newer than SentencePiece's rules are left out. The model's rules make joiners spaces and leave out zero characters; those of the
package do neither any more, so the texts are given to it as the model has them.
"""
import json, os, random, struct, unicodedata
import numpy as np
from distill.pieces import reference

HERE = os.path.dirname(os.path.abspath(__file__))
OLDER = {0: None, 0x200C: " ", 0x200D: " "}
TEXTS = [
    "", " ", "a", "  Where   is my\torder?\n", "¿Dónde está mi pedido?", "Wo ist meine Bestellung?", "Où est ma commande ?",
    "Žluťoučký kůň úpěl ďábelské ódy", "где мой заказ, 15:30?", "де моє замовлення?", "πού είναι η παραγγελία μου;", "siparişim nerede?",
    "đơn hàng của tôi ở đâu?", "ตั้งปลุกตอนเช้าพรุ่งนี้", "今天天气怎么样？请告诉我。", "注文はどこですか。ｶﾀｶﾅ", "주문이 어디에 있나요", "أين طلبي؟ مَرْحَبًا", "סידרתי את ההזמנה שלי",
    "मेरा ऑर्डर कहाँ है", "আমার অর্ডার কোথায়", "என் ஆர்டர் எங்கே", "నా ఆర్డర్ ఎక్కడ ఉంది", "ನನ್ನ ಆದೇಶ ಎಲ್ಲಿದೆ", "എന്റെ ഓർഡർ എവിടെ", "მალე იქნება", "Որտե՞ղ է իմ պատվերը",
    "ትዕዛዜ የት አለ", "ការបញ្ជាទិញរបស់ខ្ញុំ", "ຄໍາສັ່ງຂອງຂ້ອຍ", "ကျွန်ုပ်၏ အော်ဒါ", "ਮੇਰਾ ਆਰਡਰ", "મારો ઓર્ડર", "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ", "ⵜⴰⵎⴰⵣⵉⵖⵜ", "ߒߞߏ",
    "for (let i = 0; i < n; i++) { total += prices[i]; }", "x^2 + y^2 = z^2", "<s> <unk> </s> <mask> [CLS]", "▁marked ▁ text▁", "##s ##", "e\u0301te\u0301 u\u0308\u0304 \u1100\u1161\u11a8",
    "ﬁne ﬀ ½ ² ™ Ａｂｃ １２３ ～ ㍿ ㌔", "zero\u0000width\u200bjoined\u00ad👩‍👩‍👧‍👦 🙏🏽 😀😀", "\u0301 \u00a8 \ufffd\ufeff x", "tab\tnew\nline\r\nnbsp\u00a0ideo\u3000space", "\u0e33\u0ec0", "龘龘𠀀𪚥", "a" * 300, "今天天气很好" * 120,
    "ประเทศไทย" * 60, "\u13a0" * 600, "https://example.com/a?b=c&d=%20#frag", "don't WON'T İstanbul ẞ ſ",
]  # fmt: skip
SCRIPTS = [(0x21, 0x7E), (0xA1, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x531, 0x587), (0x5D0, 0x5EA), (0x620, 0x64A), (0x905, 0x939), (0x985, 0x9B9), (0xE01, 0xE30), (0x10D0, 0x10F0), (0x1200, 0x1300), (0x1780, 0x17B3), (0x3041, 0x30FF), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0x2000, 0x206F), (0xFF01, 0xFF9F), (0x13A0, 0x13F5), (0x1F300, 0x1F64F)]  # fmt: skip

data = open(os.path.join(HERE, "../../packages/multilingual/table.sona"), "rb").read()[64:]
length = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8 : 8 + length])


def tensor(name, dtype):
    at, end = header[name]["data_offsets"]
    return np.frombuffer(data[8 + length + at : 8 + length + end], dtype)


pieces = tensor("vocabulary", np.uint8).tobytes().decode().split("\n")
tokenizer = reference(pieces, tensor("scores", np.float32))
draw = random.Random(1)


def of_pieces():
    return "".join(draw.choice(pieces[1:]) for _ in range(draw.randint(1, 12))).replace("\u2581", draw.choice([" ", "\u2581"]))


def of_characters():
    low, high = draw.choice(SCRIPTS)
    return "".join(" " if draw.random() < 0.15 else chr(draw.randint(low, high)) for _ in range(draw.randint(1, 30)))


known = lambda text: all(unicodedata.ucd_3_2_0.category(c) != "Cn" for c in text)
lines = [make() for make in (of_pieces, of_characters) for _ in range(600)]
texts = TEXTS + [line for line in lines if known(line)]
with open(os.path.join(HERE, "unigram.json"), "w", encoding="utf8") as file:
    figures = [{"text": text, "ids": tokenizer.encode(text.translate(OLDER))} for text in texts]
    file.write("[\n" + ",\n".join(json.dumps(figure, ensure_ascii=False, separators=(",", ":")) for figure in figures) + "\n]\n")
