"""The colours of all pages, which tables and page share."""

# Colours after Okabe and Ito, which stay apart with every kind of colour vision.
LIGHT = """--ink: #1a1a1a; --quiet: #5c5c5c; --paper: #ffffff; --rule: #1a1a1a; --hair: #c9c9c9;
  --reproduced: #0072b2; --close: #9a6a00; --differs: #c04a00; --suspect: #a3457d;"""
DARK = """--ink: #e8e8e6; --quiet: #a6a6a3; --paper: #161718; --rule: #d0d0ce; --hair: #46484a;
  --reproduced: #6bb8ea; --close: #e9b44c; --differs: #ff8f5a; --suspect: #e39cc4;"""
