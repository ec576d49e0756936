"""The floor's fixed words in Arabic, Hebrew, Japanese and Chinese: as in the other languages, no claim.

Kept apart from the sentences of the Latin languages, which vary more: a shelf's name stands in
these without inflection, so they are built around a colon or a particle that needs none.
"""

TAGLINES = {
    "ar": ("من قسم {shelf} لدينا.", "اختيار من قسم {shelf}.", "اخترناه لك من قسم {shelf}."),
    "he": ("ממחלקת {shelf} שלנו.", "בחירה ממחלקת {shelf}.", "נבחר עבורך: {shelf}."),
    "ja": (
        "{shelf}コーナーより。",
        "{shelf}からお選びしました。",
        "あなたにお選びした{shelf}。",
    ),
    "zh": ("来自{shelf}专区。", "选自{shelf}专区。", "为您挑选：{shelf}。"),  # noqa: RUF001 Chinese punctuation
}
NO_SHELF = {
    "ar": "اخترناه لك.",
    "he": "נבחר עבורך.",
    "ja": "あなたにお選びしました。",
    "zh": "为您挑选。",
}
NO_NAME = {"ar": "شيء لك", "he": "משהו בשבילך", "ja": "あなたへの一品", "zh": "为您挑选"}
ACTIONS = {
    "ar": ("تسوق الآن", "عرض التفاصيل", "اكتشف المزيد"),
    "he": ("לקנייה", "לפרטים", "לצפייה במוצר"),
    "ja": ("詳しく見る", "商品を見る", "今すぐ見る"),
    "zh": ("立即选购", "查看详情", "去看看"),
}
BESIDE = {"ar": "مع {shelf}", "he": "לצד {shelf}", "ja": "{shelf}と一緒に", "zh": "搭配{shelf}"}
# As in `audience`: for food, for anything else of the audience's shelf, for other items.
LINES = {
    "ar": ("لسلتك: {shelf}", "لمحبي {shelf}", "مع ما تفضله: {shelf}"),
    "he": ("לסל שלך: {shelf}", "לאוהבי {shelf}", "לצד המועדפים: {shelf}"),
    "ja": ("{shelf}をかごに", "{shelf}がお好きな方へ", "お好みの{shelf}と一緒に"),
    "zh": ("为您的购物篮：{shelf}", "为{shelf}爱好者", "搭配您喜爱的{shelf}"),  # noqa: RUF001 Chinese punctuation
}
