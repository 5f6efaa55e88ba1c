"""Writes an excerpt of CLIP's tokenizer that encodes the given texts exactly as the original:
`clip_tokenizer.py tokenizer.json vectors.json excerpt.json`.

Byte-pair encoding applies the earliest merge of all pairs present, so the merges that a text uses, in their order, give
the same tokens as all merges. Ids are those of the full vocabulary.
"""
import json
import sys
import unicodedata

import regex

whole = json.load(open(sys.argv[1]))
texts = [vector["text"] for vector in json.load(open(sys.argv[2]))] + ["a", "b"]
ranks = {tuple(merge.split(" ")): i for i, merge in enumerate(whole["model"]["merges"])}
vocabulary = whole["model"]["vocab"]

visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
hidden = [byte for byte in range(256) if byte not in visible]
letters = {byte: chr(byte) for byte in visible} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}
split = regex.compile(whole["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"])

used, tokens = set(), {"<|startoftext|>", "<|endoftext|>"}
for text in texts:
    for word in split.findall(regex.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).lower()):
        parts = [letters[byte] for byte in word.encode()]
        parts[-1] += "</w>"
        while True:
            pairs = [pair for pair in zip(parts, parts[1:]) if pair in ranks]
            if not pairs:
                break
            best = min(pairs, key=ranks.get)
            used.add(best)
            merged, i = [], 0
            while i < len(parts):
                joined = tuple(parts[i:i + 2]) == best
                merged.append("".join(parts[i:i + 2]) if joined else parts[i])
                i += 2 if joined else 1
            parts = merged
        tokens.update(parts)

tokens.update(letters.values())
tokens.update(letter + "</w>" for letter in letters.values())
tokens.update(part for pair in used for part in (*pair, "".join(pair)))
whole["model"]["vocab"] = {token: id for token, id in vocabulary.items() if token in tokens}
whole["model"]["merges"] = [" ".join(pair) for pair in sorted(used, key=ranks.get)]
json.dump(whole, open(sys.argv[3], "w"), ensure_ascii=False, separators=(",", ":"))
