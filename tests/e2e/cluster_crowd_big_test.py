"""cluster_crowd_test.py with a million clients. It wants the machine for itself."""

import cluster_crowd_test as crowd
import harness

crowd.CLIENTS = 1_000_000

ClusterCrowdTest = crowd.ClusterCrowdTest

if __name__ == "__main__":
    harness.main()
