"""Further sites that the simulation makes: a net, a day's demand, lawful signal configurations with optimised plans."""
