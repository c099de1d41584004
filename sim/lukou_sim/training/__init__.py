"""Training of the shipped detector on the project's own renderer: ``python -m lukou_sim.training`` repeats the recipe.

Needs the extra ``lukou-sim[train]``; writes the ONNX model, its card and its metadata, which the roadside only reads.
"""
