"""Signal controllers: one Protocol (`reading`), what each kind can do (`capability`), one file per driver."""
