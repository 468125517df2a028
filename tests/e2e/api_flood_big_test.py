"""api_flood_test.py with 2,000 idle and 30,000 short connections."""

import api_flood_test as flood
import harness

flood.IDLE, flood.SHORT = 2000, 30000


class ApiFloodBigTest(flood.ApiFloodTest):
    pass


if __name__ == "__main__":
    harness.main()
