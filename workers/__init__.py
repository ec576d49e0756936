"""The composition root that runs jobs: Celery tasks joining the recommender and the studio."""
