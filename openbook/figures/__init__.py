"""Figures: one SVG that speaks both languages."""
