"""What each product type of the Complete Journey is called in the demo shop, and where it stands.

A name never says more than the type does: where the picture's kind is only close to the product's,
the product keeps the plain name of its own type.
"""

from collections.abc import Mapping

# product_type: (title, category below "Grocery")
KINDS: Mapping[str, tuple[str, str]] = {
    "BANANAS": ("Bananas", "Fruit/Bananas"),
    "APPLES GOLD DELICIOUS (BULK&BA": ("Golden Delicious Apples", "Fruit/Apples"),
    "APPLES GRANNY SMITH (BULK&BAG)": ("Granny Smith Apples", "Fruit/Apples"),
    "APPLES OTHER (BULK&BAG)": ("Apples", "Fruit/Apples"),
    "APPLES RED DELICIOUS (BULK&BAG": ("Red Delicious Apples", "Fruit/Apples"),
    "APPLES GALA (BULK&BAG)": ("Gala Apples", "Fruit/Apples"),
    "APPLES FUJI (BULK&BAG)": ("Fuji Apples", "Fruit/Apples"),
    "AVOCADO": ("Avocado", "Fruit/Avocados"),
    "KIWI FRUIT": ("Kiwi Fruit", "Fruit/Kiwi"),
    "LEMONS": ("Lemons", "Fruit/Citrus"),
    "LIMES": ("Limes", "Fruit/Citrus"),
    "MANGO": ("Mango", "Fruit/Mangoes"),
    "CANTALOUPE WHOLE": ("Whole Cantaloupe", "Fruit/Melons"),
    "MELONS WHOLE OTHER": ("Whole Melon", "Fruit/Melons"),
    "HONEYDEW WHOLE": ("Whole Honeydew Melon", "Fruit/Melons"),
    "WATERMELON SEEDLESS WHOLE": ("Seedless Watermelon", "Fruit/Melons"),
    "WATERMELON PERSONAL": ("Personal Watermelon", "Fruit/Melons"),
    "WATERMELON W/SEEDS WHOLE": ("Watermelon with Seeds", "Fruit/Melons"),
    "NECTARINES YELLOW FLESH": ("Yellow Nectarines", "Fruit/Stone Fruit"),
    "NECTARINES WHITE FLESH": ("White Nectarines", "Fruit/Stone Fruit"),
    "ORANGES NAVELS ALL": ("Navel Oranges", "Fruit/Citrus"),
    "ORANGES NON NAVEL ALL": ("Oranges", "Fruit/Citrus"),
    "PAPAYA": ("Papaya", "Fruit/Papaya"),
    "PEACHES YELLOW FLESH": ("Yellow Peaches", "Fruit/Stone Fruit"),
    "PEACHES WHITE FLESH": ("White Peaches", "Fruit/Stone Fruit"),
    "PEARS ANJOU": ("Anjou Pears", "Fruit/Pears"),
    "PEARS OTHER": ("Pears", "Fruit/Pears"),
    "PEARS BARTLETT": ("Bartlett Pears", "Fruit/Pears"),
    "PEARS BOSC": ("Bosc Pears", "Fruit/Pears"),
    "PINEAPPLE WHOLE&PEEL/CORED": ("Pineapple", "Fruit/Pineapple"),
    "PLUMS": ("Plums", "Fruit/Stone Fruit"),
    "GRAPEFRUIT": ("Grapefruit", "Fruit/Citrus"),
    "CLEMENTINES": ("Clementines", "Fruit/Citrus"),
    "TANGERINES & TANGELOS": ("Tangerines and Tangelos", "Fruit/Citrus"),
    "APPLE JUICE & CIDER (OVER 50%": ("Apple Juice or Cider", "Drinks/Juice"),
    "DAIRY CASE 100% PURE JUICE - O": ("Chilled Orange Juice", "Drinks/Juice"),
    "GRAPEFRUIT JUICE (OVER 50% JUI": ("Grapefruit Juice", "Drinks/Juice"),
    "FLUID MILK WHITE ONLY": ("White Milk", "Dairy/Milk"),
    "SOUR CREAMS": ("Sour Cream", "Dairy/Sour Cream"),
    "BUTTERMILK": ("Buttermilk", "Dairy/Buttermilk"),
    "SOY/RICE MILK": ("Soy or Rice Milk", "Drinks/Plant Drinks"),
    "SOY BEVERAGE": ("Soy Drink", "Drinks/Plant Drinks"),
    "YOGURT NOT MULTI-PACKS": ("Yogurt", "Dairy/Yogurt"),
    "YOGURT MULTI-PACKS": ("Yogurt Multipack", "Dairy/Yogurt"),
    "ASPARAGUS": ("Asparagus", "Vegetables/Asparagus"),
    "CABBAGE": ("Cabbage", "Vegetables/Cabbage"),
    "CARROTS BAGGED": ("Bagged Carrots", "Vegetables/Carrots"),
    "CARROTS - BULK": ("Loose Carrots", "Vegetables/Carrots"),
    "CARROTS MINI PEELED": ("Mini Peeled Carrots", "Vegetables/Carrots"),
    "CUCUMBERS": ("Cucumbers", "Vegetables/Cucumbers"),
    "GARLIC WHOLE CLOVES": ("Whole Garlic", "Vegetables/Garlic"),
    "MUSHROOMS OTHER": ("Mushrooms", "Vegetables/Mushrooms"),
    "MUSHROOMS PORTABELLA": ("Portabella Mushrooms", "Vegetables/Mushrooms"),
    "ONIONS YELLOW (BULK&BAG)": ("Yellow Onions", "Vegetables/Onions"),
    "ONIONS SWEET (BULK&BAG)": ("Sweet Onions", "Vegetables/Onions"),
    "PEPPERS GREEN BELL": ("Green Bell Peppers", "Vegetables/Peppers"),
    "PEPPERS OTHER BELL": ("Bell Peppers", "Vegetables/Peppers"),
    "PEPPERS RED BELL": ("Red Bell Peppers", "Vegetables/Peppers"),
    "POTATOES RUSSET (BULK&BAG)": ("Russet Potatoes", "Vegetables/Potatoes"),
    "POTATOES GOLD (BULK&BAG)": ("Gold Potatoes", "Vegetables/Potatoes"),
    "POTATOES SWEET&YAMS": ("Sweet Potatoes or Yams", "Vegetables/Potatoes"),
    "TOMATOES HOT HOUSE BULK": ("Hothouse Tomatoes", "Vegetables/Tomatoes"),
    "TOMATOES VINE RIPE BULK": ("Vine-Ripe Tomatoes", "Vegetables/Tomatoes"),
    "TOMATOES VINE RIPE PKG": ("Packed Vine-Ripe Tomatoes", "Vegetables/Tomatoes"),
    "TOMATOES HOTHOUSE ON THE VINE": ("Hothouse Tomatoes on the Vine", "Vegetables/Tomatoes"),
    "SQUASH ZUCCHINI": ("Zucchini", "Vegetables/Zucchini"),
}

# What is left of a description where the data set's own says more than is known of the product:
# an origin, a label, a colour, a brand. Every sentence is the data set's or a part of one.
SAFE_DESCRIPTIONS: Mapping[str, str] = {
    "APPLES OTHER (BULK&BAG)": "",
    "APPLES FUJI (BULK&BAG)": "",
    "MELONS WHOLE OTHER": "",
    "NECTARINES WHITE FLESH": (
        "The nectarine is a stone fruit with plain peel, somewhat firmer than the peach. "
        "Suitable for eating naturally, but can also be used for pastry, marmalade and jam."
    ),
    "PEACHES WHITE FLESH": (
        "Peach is a stone fruit with velvety skin. "
        "Suitable for eating naturally, but can also be used for pastry, marmalade and jam."
    ),
    "PEARS OTHER": "Pears taste the most when they are really ripe. Suitable for desserts.",
    "PEARS BARTLETT": "Pears taste the most when they are really ripe. Suitable for desserts.",
    "PEARS BOSC": "Pears taste the most when they are really ripe. Suitable for desserts.",
    "BANANAS": (
        "Bananas are good as snacks. Store in room temperature or cool, never in a refrigerator."
    ),
    "PINEAPPLE WHOLE&PEEL/CORED": (
        "Pineapple fits well to be eaten naturally in, for example, desserts and fruit salad."
    ),
    "PAPAYA": "Papaya has a salmon-pink flesh that is buttery in the texture.",
    "KIWI FRUIT": "Kiwi has a sweet taste with clear acidity.",
    "ORANGES NAVELS ALL": (
        "There are many different types of oranges that ripen and are sold during different parts "
        "of the year."
    ),
    "ORANGES NON NAVEL ALL": (
        "There are many different types of oranges that ripen and are sold during different parts "
        "of the year."
    ),
    "WATERMELON SEEDLESS WHOLE": "Watermelon is juicier than sugar melons, mild and sweet.",
    "WATERMELON PERSONAL": "Watermelon is juicier than sugar melons, mild and sweet.",
    "WATERMELON W/SEEDS WHOLE": "Watermelon is juicier than sugar melons, mild and sweet.",
    "GRAPEFRUIT": "The taste is characteristically bitter, but at the same time fresh and sour.",
    "CLEMENTINES": "A sweet and small type of citrus fruit, popular as a snack.",
    "TANGERINES & TANGELOS": "",
    "APPLE JUICE & CIDER (OVER 50%": "Fits the breakfast table, as quencher and meal drink.",
    "DAIRY CASE 100% PURE JUICE - O": "Fits the breakfast table, as quencher and meal drink.",
    "GRAPEFRUIT JUICE (OVER 50% JUI": "Fits the breakfast table, as quencher and meal drink.",
    "FLUID MILK WHITE ONLY": "A popular choice for breakfast cereals, porridge or as a drink.",
    "SOUR CREAMS": (
        "Sour cream has an acidic, creamy and fresh taste with a slightly creamy texture. "
        "Excellent as a natural accessory or as a base in cold sauces and dressings. "
        "With its fresh acid it softens the heat from spicy dishes."
    ),
    "BUTTERMILK": "The flavor is slightly acidic.",
    "SOY/RICE MILK": "",
    "SOY BEVERAGE": "Soy based drink.",
    "YOGURT NOT MULTI-PACKS": "Fits well for breakfast and snacks.",
    "YOGURT MULTI-PACKS": "Can be enjoyed at breakfast time, as a quick snack or a simple dessert.",
    "CABBAGE": "Fits well in, for example, cabbage rolls, cabbage pudding and cabbage soup.",
    "CARROTS MINI PEELED": (
        "Carrot is sweet, with a crunchy texture. Carrots can be eaten raw, and are also used in "
        "pots, gratins, soups and wok."
    ),
    "CARROTS BAGGED": (
        "Carrot is sweet, with a crunchy texture. Carrots can be eaten raw, and are also used in "
        "pots, gratins, soups and wok."
    ),
    "CARROTS - BULK": (
        "Carrot is sweet, with a crunchy texture. Carrots can be eaten raw, and are also used in "
        "pots, gratins, soups and wok."
    ),
    "MUSHROOMS OTHER": "Can be eaten raw in salads, but good to boil, pan-fry or fry too.",
    "MUSHROOMS PORTABELLA": "Can be eaten raw in salads, but good to boil, pan-fry or fry too.",
    "ONIONS SWEET (BULK&BAG)": "Fits well both cold and hot in cooking.",
    "PEPPERS OTHER BELL": (
        "Peppers are good to eat raw in salads and as garnish, but are also good to fry, stew or "
        "gratinate."
    ),
    "PEPPERS RED BELL": (
        "The red peppers are much sweeter than the green ones. Good to eat raw in salads and as "
        "garnish, but also good to fry, stew or gratinate."
    ),
    "PEPPERS GREEN BELL": (
        "A green pepper is a little firmer than the other ones, making it suitable for warm "
        "dishes, for example chili con carne, pies, gratin and various pots."
    ),
    "POTATOES RUSSET (BULK&BAG)": "",
    "POTATOES GOLD (BULK&BAG)": "",
    "POTATOES SWEET&YAMS": "Can also be used in desserts, pies and cakes.",
    "TOMATOES HOT HOUSE BULK": "Rinse and have in the salad or on the sandwich.",
    "TOMATOES VINE RIPE BULK": "Rinse and have in the salad or on the sandwich.",
    "TOMATOES VINE RIPE PKG": "Rinse and have in the salad or on the sandwich.",
    "CUCUMBERS": "Fits well in the salad or on the sandwich.",
    "AVOCADO": "Avocado fits for starters, salads and as an ingredient in guacamole.",
    "MANGO": (
        "Mango has a fresh, powerful and sweet taste. Mango can be eaten naturally or in "
        "desserts, entrees and main courses."
    ),
    "ASPARAGUS": (
        "Asparagus has a mild and nice taste and is good as an accessory, as well as a vegetable "
        "dish by itself."
    ),
}
