"""The drill: the whole job, headless, against processes of their own and only through HTTP doors."""
