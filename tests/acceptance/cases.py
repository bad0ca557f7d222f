"""Cases that the tests type in."""

KNEE = (
    "68 yo woman, right knee OA, pain 4/10 on stairs, 5/10 worst, 8 months, wants to climb stairs and walk 30 min, "
    "has a chair and stairs, no falls, BP controlled."
)
CAUDA_EQUINA = "Low back pain for two days with saddle numbness and new urinary retention since last night."
NONSENSE = "The quick brown fox jumps over the lazy dog again and again."
