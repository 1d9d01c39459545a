#!/usr/bin/env python3
"""check.py INTENT_BATCH GOLD.jsonl MIN_F1 MIN_EM: what the reader scores on labelled sentences does not fall."""
import os
import re
import subprocess
import sys
import tempfile

batch, gold, least, exact = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
with tempfile.TemporaryDirectory() as folder:
    predictions = os.path.join(folder, 'predictions.jsonl')
    with open(gold, 'rb') as source, open(predictions, 'wb') as out:
        subprocess.run([batch], stdin=source, stdout=out, check=True)
    score = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'score.py')
    text = subprocess.run([sys.executable, score, '--errors', '5', gold, predictions],
                          stdout=subprocess.PIPE, check=True, encoding='utf8').stdout
print(text)
found = re.search(r'^F1 ([0-9.]+) EM ([0-9.]+)', text, re.M)
sys.exit(0 if found and float(found.group(1)) >= least and float(found.group(2)) >= exact else 1)
