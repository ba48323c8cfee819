import { Random } from '../../ts/testing/random.ts';

/** Intents of a language: each text is one word of every list, with what the language writes between them. */
export const languages: Record<string, { between: string; known: boolean; intents: string[][][] }> = {
  English: {
    between: ' ',
    known: true,
    intents: [
      [
        ['please', 'can you', 'now'],
        ['set an alarm', 'wake me', 'move my alarm'],
        ['at six', 'tomorrow', 'on Monday'],
      ],
      [
        ['please', 'can you', 'now'],
        ['tell me if it rains', 'show the weather'],
        ['in Rome', 'tomorrow', 'on Monday'],
      ],
      [
        ['please', 'can you', 'now'],
        ['play a song', 'turn up the music', 'stop the radio'],
        ['at home', 'here'],
      ],
    ],
  },
  Spanish: {
    between: ' ',
    known: true,
    intents: [
      [
        ['por favor', 'ahora'],
        ['pon una alarma', 'despiértame', 'cambia mi alarma'],
        ['a las seis', 'mañana', 'el lunes'],
      ],
      [
        ['por favor', 'ahora'],
        ['dime si va a llover', 'qué tiempo hace'],
        ['en Roma', 'mañana', 'el lunes'],
      ],
      [
        ['por favor', 'ahora'],
        ['pon una canción', 'sube la música', 'apaga la radio'],
        ['en casa', 'aquí'],
      ],
    ],
  },
  Thai: {
    between: '',
    known: false,
    intents: [
      [
        ['ช่วย', 'กรุณา', ''],
        ['ตั้งปลุก', 'ปลุกฉัน', 'เลื่อนเวลาปลุก'],
        ['ตอนหกโมง', 'พรุ่งนี้', 'วันจันทร์'],
      ],
      [
        ['ช่วย', 'กรุณา', ''],
        ['บอกว่าฝนจะตกไหม', 'ดูอากาศ'],
        ['ที่กรุงเทพ', 'พรุ่งนี้', 'วันจันทร์'],
      ],
      [
        ['ช่วย', 'กรุณา', ''],
        ['เปิดเพลง', 'เพิ่มเสียงเพลง', 'ปิดวิทยุ'],
        ['ที่บ้าน', 'ที่นี่'],
      ],
    ],
  },
  Chinese: {
    between: '',
    known: false,
    intents: [
      [
        ['请', '现在', ''],
        ['设置闹钟', '叫我起床', '更改我的闹钟'],
        ['六点', '明天', '星期一'],
      ],
      [
        ['请', '现在', ''],
        ['告诉我会不会下雨', '看看天气'],
        ['在北京', '明天', '星期一'],
      ],
      [
        ['请', '现在', ''],
        ['播放歌曲', '把音乐调大', '关掉收音机'],
        ['在家里', '这里'],
      ],
    ],
  },
  Arabic: {
    between: ' ',
    known: false,
    intents: [
      [
        ['من فضلك', 'الآن'],
        ['اضبط المنبه', 'أيقظني', 'غير موعد المنبه'],
        ['في السادسة', 'غدا', 'يوم الاثنين'],
      ],
      [
        ['من فضلك', 'الآن'],
        ['هل ستمطر', 'كيف الطقس'],
        ['في القاهرة', 'غدا', 'يوم الاثنين'],
      ],
      [
        ['من فضلك', 'الآن'],
        ['شغل أغنية', 'ارفع صوت الموسيقى', 'أوقف الراديو'],
        ['في البيت', 'هنا'],
      ],
    ],
  },
  Hindi: {
    between: ' ',
    known: false,
    intents: [
      [
        ['कृपया', 'अभी'],
        ['अलार्म लगाओ', 'मुझे जगाओ', 'मेरा अलार्म बदलो'],
        ['छह बजे', 'कल', 'सोमवार को'],
      ],
      [
        ['कृपया', 'अभी'],
        ['बताओ क्या बारिश होगी', 'मौसम दिखाओ'],
        ['दिल्ली में', 'कल', 'सोमवार को'],
      ],
      [
        ['कृपया', 'अभी'],
        ['गाना बजाओ', 'संगीत तेज करो', 'रेडियो बंद करो'],
        ['घर में', 'यहाँ'],
      ],
    ],
  },
  Russian: {
    between: ' ',
    known: false,
    intents: [
      [
        ['пожалуйста', 'сейчас'],
        ['поставь будильник', 'разбуди меня', 'перенеси будильник'],
        ['на шесть', 'завтра'],
      ],
      [
        ['пожалуйста', 'сейчас'],
        ['скажи, будет ли дождь', 'покажи погоду'],
        ['в Москве', 'завтра'],
      ],
      [
        ['пожалуйста', 'сейчас'],
        ['включи песню', 'сделай музыку громче', 'выключи радио'],
        ['дома', 'здесь'],
      ],
    ],
  },
  Korean: {
    between: ' ',
    known: false,
    intents: [
      [
        ['지금', '제발'],
        ['알람 맞춰 줘', '깨워 줘', '알람 바꿔 줘'],
        ['여섯 시에', '내일', '월요일에'],
      ],
      [
        ['지금', '제발'],
        ['비가 오는지 알려 줘', '날씨 보여 줘'],
        ['서울에서', '내일', '월요일에'],
      ],
      [
        ['지금', '제발'],
        ['노래 틀어 줘', '음악 크게 해 줘', '라디오 꺼 줘'],
        ['집에서', '여기서'],
      ],
    ],
  },
};

/** Draws texts of a language with the number of their intent. */
export function drawing(
  { between, intents }: (typeof languages)[string],
  seed: number,
): () => [string, number] {
  const random = new Random(seed);
  const chance = () => random.uniform();
  const one = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)] as T;
  return () => {
    const intent = Math.floor(chance() * intents.length);
    return [(intents[intent] as string[][]).map(one).join(between), intent];
  };
}
