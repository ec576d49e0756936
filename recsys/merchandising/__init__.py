"""What a shopkeeper may tell the recommender: rules, and what each place of the shop shows.

Pure: `types`, `arranging`, `steering`, `checking`, `plain`. SQL: `tables`, `store`.
"""
