import APIMachinery

/// How the pods of one `schedulerName` are scheduled: which plugins are asked, and what was said to each.
struct Profile: Sendable {
    var schedulerName = Scheduler.name
    var filters = Plugin.filters
    var scores = Plugin.scores
    /// Whether pods wait for their scheduling gates, and whether others are evicted for the more important.
    var heedsGates = true
    var preempts = true
    /// Of how many nodes in a hundred at least are judged, once more than a hundred are there; 0 lets the number of nodes
    /// decide.
    var percentageOfNodesToScore = 0

    var fit = FitArguments()
    /// What balance is measured in.
    var balanced = WeightedResource.defaults
    /// A node affinity that holds for every pod of the profile, beside its own.
    var addedRequired: NodeSelector?
    var addedPreferred: [WeightedNodeTerm] = []
    /// What a required affinity of a pod on a node is worth to pods that it is about.
    var hardPodAffinityWeight = 1
    var ignoresPreferredTermsOfExistingPods = false
    /// What holds for pods without constraints of their own; `nil` for the system's.
    var defaultSpread: [SpreadConstraint]?
    var preemption = PreemptionArguments()
    /// How long devices may take to be made ready before others are tried.
    var bindingTimeout = Duration.seconds(600)
    /// How long a pod waits for its volumes to be made, or kept for it, before that counts as a failure.
    var volumeTimeout = Duration.seconds(600)

    /// `NodeResourcesFitArgs`.
    struct FitArguments: Sendable {
        enum Strategy: Sendable {
            case leastAllocated
            case mostAllocated
            /// The score from 0 to 100 at each use from 0 to 100 percent, in order; in between on a straight line.
            case ratio([(use: Int, score: Int)])
        }

        var strategy = Strategy.leastAllocated
        var resources = WeightedResource.defaults
        /// Extended resources that nodes need not have, and the first parts of names of such.
        var ignoredResources: Set<String> = []
        var ignoredGroups: Set<String> = []
    }

    struct WeightedResource: Sendable {
        var name: String
        var weight: Int

        static let defaults = [WeightedResource(name: "cpu", weight: 1), WeightedResource(name: "memory", weight: 1)]
    }

    /// `DefaultPreemptionArgs`: on how many nodes victims are looked for.
    struct PreemptionArguments: Sendable {
        var minCandidateNodesPercentage = 10
        var minCandidateNodesAbsolute = 100
    }

    /// Of `count` nodes, how many that can take the pod are enough to judge (kube-scheduler, "percentageOfNodesToScore").
    func enough(of count: Int) -> Int {
        guard count >= 100 else { return count }
        let percentage = percentageOfNodesToScore == 0 ? max(50 - count / 125, 5) : percentageOfNodesToScore
        guard percentage < 100 else { return count }
        return max(count * percentage / 100, 100)
    }
}
