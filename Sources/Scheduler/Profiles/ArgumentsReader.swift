import APIMachinery
import Support

/// Reads what a profile says to a plugin (`pluginConfig[].args`).
enum ArgumentsReader {
    static func apply(_ entry: ConfigurationReader, _ name: String, to profile: inout Profile) throws(Fault) {
        guard let plugin = Plugin(name: name) else {
            throw entry.fault("name", "\(name) is no plugin of this scheduler")
        }
        func arguments(_ fields: String...) throws(Fault) -> ConfigurationReader? {
            try entry.object("args", Set(fields + ["apiVersion", "kind"]))
        }
        switch plugin {
        case .nodeResourcesFit:
            guard
                let arguments = try arguments("ignoredResources", "ignoredResourceGroups", "scoringStrategy")
            else { return }
            try fit(arguments, &profile)
        case .nodeResourcesBalancedAllocation:
            guard let arguments = try arguments("resources") else { return }
            profile.balanced = try resources(arguments) ?? profile.balanced
        case .nodeAffinity:
            guard let arguments = try arguments("addedAffinity") else { return }
            try addedAffinity(arguments, &profile)
        case .interPodAffinity:
            guard
                let arguments = try arguments(
                    "hardPodAffinityWeight", "ignorePreferredTermsOfExistingPods")
            else { return }
            profile.hardPodAffinityWeight = try arguments.number("hardPodAffinityWeight", 0...100) ?? 1
            profile.ignoresPreferredTermsOfExistingPods =
                try arguments.flag("ignorePreferredTermsOfExistingPods") ?? false
        case .podTopologySpread:
            guard let arguments = try arguments("defaultConstraints", "defaultingType") else { return }
            try spread(arguments, &profile)
        case .defaultPreemption:
            guard
                let arguments = try arguments("minCandidateNodesPercentage", "minCandidateNodesAbsolute")
            else { return }
            profile.preemption.minCandidateNodesPercentage =
                try arguments.number("minCandidateNodesPercentage", 0...100) ?? 10
            profile.preemption.minCandidateNodesAbsolute =
                try arguments.number("minCandidateNodesAbsolute", 0...Int(Int32.max)) ?? 100
        case .volumeBinding:
            guard let arguments = try arguments("bindTimeoutSeconds", "shape") else { return }
            guard arguments["shape"] == nil else {
                throw arguments.fault("shape", "needs the feature StorageCapacityScoring, which is not on")
            }
            let seconds = try arguments.number("bindTimeoutSeconds", 0...Int(Int32.max))
            profile.volumeTimeout = seconds.map { .seconds($0) } ?? profile.volumeTimeout
        case .dynamicResources:
            // The search for devices is bounded by its steps.
            guard let arguments = try arguments("filterTimeout", "bindingTimeout"),
                let text = try arguments.text("bindingTimeout")
            else { return }
            guard let timeout = try? GoDuration.parse(text), timeout >= .seconds(1) else {
                throw arguments.fault("bindingTimeout", "is no duration of a second or more, such as 10m")
            }
            profile.bindingTimeout = timeout
        default:
            guard entry["args"] == nil else { throw entry.fault("args", "cannot be given to \(name)") }
        }
    }

    private static func fit(_ arguments: ConfigurationReader, _ profile: inout Profile) throws(Fault) {
        profile.fit.ignoredResources = Set(try arguments.texts("ignoredResources"))
        profile.fit.ignoredGroups = Set(try arguments.texts("ignoredResourceGroups"))
        guard
            let strategy = try arguments.object(
                "scoringStrategy", ["type", "resources", "requestedToCapacityRatio"])
        else { return }
        profile.fit.resources = try resources(strategy) ?? profile.fit.resources
        switch try strategy.text("type") ?? "LeastAllocated" {
        case "LeastAllocated": profile.fit.strategy = .leastAllocated
        case "MostAllocated": profile.fit.strategy = .mostAllocated
        case "RequestedToCapacityRatio":
            let ratio = try strategy.object("requestedToCapacityRatio", ["shape"])
            profile.fit.strategy = .ratio(try curve(ratio, strategy))
        case let other: throw strategy.fault("type", "\(other) is no scoring strategy")
        }
    }

    /// Points of rising use; their scores go from 0 to 10.
    private static func curve(
        _ ratio: ConfigurationReader?, _ strategy: ConfigurationReader
    ) throws(Fault) -> [(use: Int, score: Int)] {
        guard let ratio else { throw strategy.fault("requestedToCapacityRatio", "is missing") }
        var curve: [(use: Int, score: Int)] = []
        for item in try ratio.items("shape") {
            let point = try ConfigurationReader(item.value, item.path, ["utilization", "score"])
            let use = try point.number("utilization", 0...100) ?? 0
            if let last = curve.last, last.use >= use {
                throw point.fault("utilization", "must be greater than the one before")
            }
            curve.append((use, (try point.number("score", 0...10) ?? 0) * 10))
        }
        guard !curve.isEmpty else { throw ratio.fault("shape", "has no point") }
        return curve
    }

    private static func resources(_ arguments: ConfigurationReader) throws(Fault) -> [Profile.WeightedResource]? {
        guard arguments["resources"] != nil else { return nil }
        var resources: [Profile.WeightedResource] = []
        for item in try arguments.items("resources") {
            let entry = try ConfigurationReader(item.value, item.path, ["name", "weight"])
            let weight = try entry.number("weight", 0...100) ?? 0
            resources.append(.init(name: try entry.text("name") ?? "", weight: weight == 0 ? 1 : weight))
        }
        return resources
    }

    private static func addedAffinity(
        _ arguments: ConfigurationReader, _ profile: inout Profile
    ) throws(Fault) {
        let (hard, soft) = (
            "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
        )
        guard let affinity = try arguments.object("addedAffinity", [hard, soft]) else { return }
        if let required = affinity[hard] {
            do throws(SelectorError) {
                profile.addedRequired = try NodeSelector(required)
            } catch {
                throw affinity.fault(hard, "cannot be used: \(error)")
            }
        }
        for (index, item) in (affinity[soft]?.array ?? []).enumerated() {
            guard let term = WeightedNodeTerm(item) else { throw affinity.fault("\(soft)[\(index)]", "cannot be used") }
            profile.addedPreferred.append(term)
        }
    }

    private static func spread(_ arguments: ConfigurationReader, _ profile: inout Profile) throws(Fault) {
        var constraints: [SpreadConstraint] = []
        for item in try arguments.items("defaultConstraints") {
            let entry = try ConfigurationReader(
                item.value, item.path,
                ["maxSkew", "topologyKey", "whenUnsatisfiable", "minDomains", "nodeAffinityPolicy", "nodeTaintsPolicy"])
            guard let key = try entry.text("topologyKey"), !key.isEmpty else {
                throw entry.fault("topologyKey", "is missing")
            }
            guard try entry.number("maxSkew", 1...Int(Int32.max)) != nil else {
                throw entry.fault("maxSkew", "is missing")
            }
            let action = try entry.text("whenUnsatisfiable") ?? ""
            guard action == "DoNotSchedule" || action == "ScheduleAnyway" else {
                throw entry.fault("whenUnsatisfiable", "must be DoNotSchedule or ScheduleAnyway")
            }
            constraints.append(SpreadConstraint(item.value, labels: Fields()))
        }
        switch try arguments.text("defaultingType") ?? "System" {
        case "System":
            guard constraints.isEmpty else {
                throw arguments.fault("defaultConstraints", "need defaultingType List")
            }
        case "List": profile.defaultSpread = constraints
        case let other: throw arguments.fault("defaultingType", "\(other) is neither System nor List")
        }
    }
}
