"""What the invented tweets say: per language a share of all tweets and sentences of different mood,
ready to be joined.

Every sentence is made up. English carries the words that a sentiment lexicon knows, in many
strengths; the others vary by emoji.
"""

# ruff: noqa: E501 - letters of double width count twice

ENGLISH = (
    "I absolutely love this!", "This is the worst service I have ever had.", "Not bad at all, to be honest.",
    "What a wonderful morning by the river.", "The train is late again &amp; nobody says why.", "So happy for the whole team.",
    "I am really disappointed, it broke after two days.", "Meh.", "Could not be more proud of my sister today.",
    "The food was okay but the waiter was rude.", "HORRIBLE traffic, two hours and counting...", "Thank you, kind stranger!",
    "Does anybody know when the shop opens?", "The new park is beautiful, calm and clean.", "I hate waiting in line.",
    "Best concert of my life, no doubt!!!", "This is sad news for the village.", "Just finished my first marathon, I feel great.",
    "It's a bug, not a feature.", "The report comes out on Tuesday.", "We met at the old bridge &gt; the new one.",
    "Terrible idea, awful execution.", "She smiled and everything was fine.", "It could have been better, could have been worse.",
    "Nobody was hurt, thankfully.", "The weather will change in the evening.", "I'm not happy with how this ended.",
    "Lovely people, lovely place, very good coffee.", "My phone died, my bus left, great start :(", "LOL that was brilliant :D",
)  # fmt: skip

OTHERS = {
    "es": ("¡Qué día tan bonito!", "No me gusta nada el ruido de esta calle.", "El café de la esquina abre a las ocho.",
           "Estoy muy contento con el resultado.", "Otra vez sin luz en el barrio.", "Mañana vamos a la montaña con los niños."),
    "pt": ("Que saudade do verão na praia.", "O ônibus atrasou de novo, que raiva.", "Hoje tem jogo e eu não perco por nada.",
           "A comida estava ótima, voltaremos sempre.", "Não entendi nada da reunião de hoje."),
    "fr": ("Quel bonheur de revoir la mer.", "Le métro est encore en panne, c'est pénible.", "Le marché ouvre à sept heures.",
           "J'ai adoré ce film du début à la fin.", "Rien de neuf par ici, il pleut."),
    "de": ("So ein schöner Abend am See.", "Die Bahn ist schon wieder ausgefallen.", "Das Brot vom Bäcker ist großartig.",
           "Ich ärgere mich über die Baustelle.", "Morgen ist die Sitzung um neun Uhr."),
    "it": ("Che bella giornata di sole.", "Il treno è in ritardo come sempre.", "La pizza era buonissima.", "Domani si vota in paese."),
    "nl": ("Wat een heerlijke dag op de fiets.", "Het regent alweer, ik ben er klaar mee.", "De winkel sluit om zes uur."),
    "pl": ("Piękny zachód słońca nad jeziorem.", "Znowu korek w centrum, okropność.", "Książka była naprawdę świetna."),
    "tr": ("Bugün hava çok güzel, deniz sakin.", "Otobüs yine gelmedi, çok sinirliyim.", "Çay hazır, gelin sohbet edelim."),
    "vi": ("Hôm nay trời đẹp quá.", "Quán cà phê này ngon và rẻ.", "Đường tắc, tôi trễ giờ làm rồi."),
    "id": ("Pagi ini cerah sekali.", "Macet lagi di jalan utama, capek.", "Makan siang bersama teman lama."),
    "sv": ("Vilken härlig dag i skogen.", "Bussen kom aldrig, så tråkigt.", "Kaffet är klart klockan tre."),
    "el": ("Τι όμορφη μέρα στο νησί.", "Πάλι απεργία στο μετρό, κουράστηκα.", "Ο καφές είναι έτοιμος."),
    "ru": ("Какое чудесное утро в парке.", "Опять пробка на мосту, ужасно устал.", "Завтра открывается новая библиотека."),
    "uk": ("Сьогодні чудовий день для прогулянки.", "Знову дощ, настрою немає.", "Книгарня працює до вечора."),
    "ar": ("يا له من صباح جميل على البحر.", "تأخر القطار مرة أخرى، أمر مزعج.", "القهوة جاهزة والجميع هنا.", "أنا سعيد جدا بهذه النتيجة."),
    "fa": ("چه هوای خوبی است امروز.", "باز هم ترافیک، خسته شدم.", "کتاب تازه‌ای خریدم و عالی بود."),
    "he": ("איזה בוקר נפלא ליד הים.", "הרכבת שוב מאחרת, ממש מעצבן.", "הקפה מוכן, בואו."),
    "ur": ("آج کا دن بہت اچھا رہا۔", "بس پھر دیر سے آئی۔", "چائے تیار ہے۔"),
    "hi": ("आज का मौसम बहुत सुहावना है।", "ट्रेन फिर से देर से आई, बहुत बुरा लगा।", "माँ के हाथ का खाना सबसे अच्छा।"),
    "bn": ("আজ সকালটা খুব সুন্দর।", "আবার যানজট, বিরক্তিকর।", "বইটা দারুণ ছিল।"),
    "ta": ("இன்று வானிலை மிகவும் அருமை.", "பேருந்து மீண்டும் தாமதம்."),
    "th": ("วันนี้อากาศดีมากเลย", "รถติดอีกแล้ว เหนื่อยจัง", "กาแฟร้านนี้อร่อยมาก"),
    "ja": ("今日は本当に良い天気ですね。", "また電車が遅れて困っています。", "新しい本がとても面白かった。", "明日は友達と山に登ります。"),
    "zh": ("今天的天气真好,心情也很好。", "又堵车了,真让人难受。", "这家小店的面条非常好吃。", "明天开始新的工作。"),
    "ko": ("오늘 날씨가 정말 좋네요.", "버스가 또 늦어서 짜증나요.", "새로 산 책이 아주 재미있어요."),
}  # fmt: skip

COMPACT = ("ja", "zh", "ko", "th")  # scripts that say the same in fewer characters
EMOJI = (
    "😀",
    "😂",
    "😍",
    "😢",
    "😡",
    "👍🏽",
    "🎉",
    "🔥",
    "❤️",
    "👩‍👩‍👧‍👦",
    "🏳️‍🌈",
    "🇧🇷",
    "☕",
    "🤷‍♀️",
    "💔",
    "🙏",
    ":)",
    ":-(",
)
TOPICS = (
    "coffee",
    "Monday",
    "marathon",
    "kafka",
    "rivers",
    "música",
    "天気",
    "futbol",
    "قهوة",
    "राजनीति",
    "weather2026",
    "книги",
)

# name, country, code, west, south, east, north (degrees); some wide as a country, some a town
PLACES = (
    ("Berlin", "Germany", "DE", 13.088, 52.338, 13.761, 52.675), ("Rio de Janeiro", "Brazil", "BR", -43.795, -23.083, -43.099, -22.746),
    ("Nairobi", "Kenya", "KE", 36.664, -1.445, 37.105, -1.161), ("Osaka", "Japan", "JP", 135.373, 34.586, 135.599, 34.769),
    ("Istanbul", "Türkiye", "TR", 28.448, 40.802, 29.458, 41.239), ("Lyon", "France", "FR", 4.772, 45.707, 4.898, 45.808),
    ("Mumbai", "India", "IN", 72.776, 18.893, 72.979, 19.271), ("Austin", "United States", "US", -97.929, 30.127, -97.580, 30.519),
    ("Cairo", "Egypt", "EG", 31.190, 29.949, 31.430, 30.150), ("Suva", "Fiji", "FJ", 178.400, -18.170, 178.520, -18.080),
    ("Reykjavík", "Iceland", "IS", -22.010, 64.080, -21.690, 64.170), ("Australia", "Australia", "AU", 112.900, -43.700, 153.700, -10.100),
)  # fmt: skip
