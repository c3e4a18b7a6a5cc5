"""After a hand-over: three questions to the partner that referred, asked twice."""
