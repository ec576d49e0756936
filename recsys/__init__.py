"""Who would like what: behaviour in, ranked items out. Knows nothing of Flask, Celery or creatives."""
