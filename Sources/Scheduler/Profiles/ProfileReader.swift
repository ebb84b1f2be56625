import APIMachinery
import Support

/// Reads one profile (`KubeSchedulerProfile`): which plugins are asked, in which order and with what weight, and what is
/// said to each.
struct ProfileReader {
    private(set) var profile = Profile()

    init(_ item: (value: Value, path: String), _ percentage: Int) throws(Fault) {
        let reader = try ConfigurationReader(
            item.value, item.path, ["schedulerName", "percentageOfNodesToScore", "plugins", "pluginConfig"])
        profile.schedulerName = try reader.text("schedulerName") ?? Scheduler.name
        profile.percentageOfNodesToScore = try reader.number("percentageOfNodesToScore", 0...100) ?? percentage
        if let plugins = try reader.object("plugins", Self.points) { try read(plugins) }
        var configured: Set<String> = []
        for item in try reader.items("pluginConfig") {
            let entry = try ConfigurationReader(item.value, item.path, ["name", "args"])
            let name = try entry.text("name") ?? ""
            guard configured.insert(name).inserted else { throw entry.fault("name", "\(name) is configured twice") }
            try ArgumentsReader.apply(entry, name, to: &profile)
        }
    }

    /// The extension points.
    private static let points: Set<String> = [
        "multiPoint", "preEnqueue", "queueSort", "preFilter", "filter", "postFilter", "preScore", "score", "reserve",
        "permit", "preBind", "bind", "postBind",
    ]

    /// What is enabled and disabled at one point.
    private struct Choice {
        var enabled: [(plugin: Plugin, weight: Int)] = []
        var disabled: Set<String> = []

        var disablesAll: Bool { disabled.contains("*") }
        func disables(_ plugin: Plugin) -> Bool { disablesAll || disabled.contains(plugin.name) }
    }

    private mutating func read(_ plugins: ConfigurationReader) throws(Fault) {
        var choices: [String: Choice] = [:]
        for point in Self.points { choices[point] = try Self.choice(plugins, point) }
        let multi = choices["multiPoint"] ?? Choice()
        profile.filters = Self.chosen(
            Plugin.filters.map { ($0, 0) }, choices["filter"] ?? Choice(), multi, { Plugin.filters.contains($0) }
        ).map(\.plugin)
        let weights = Dictionary(Plugin.scores.map { ($0.plugin, $0.weight) }) { first, _ in first }
        profile.scores = Self.chosen(
            Plugin.scores, choices["score"] ?? Choice(), multi, { weights[$0] != nil }
        ).map { ($0.plugin, $0.weight > 0 ? $0.weight : weights[$0.plugin] ?? 1) }
        func isOn(_ plugin: Plugin, _ points: [String]) -> Bool {
            let own = points.compactMap { choices[$0] }
            if own.contains(where: { $0.enabled.contains { $0.plugin == plugin } }) { return true }
            if own.contains(where: { $0.disables(plugin) }) { return false }
            return multi.enabled.contains { $0.plugin == plugin } || !multi.disables(plugin)
        }
        profile.preempts = isOn(.defaultPreemption, ["postFilter"])
        profile.heedsGates = isOn(.schedulingGates, ["preEnqueue"])
        // Without them nothing has an order, and nothing comes to a node.
        for (plugin, point) in [(Plugin.prioritySort, "queueSort"), (.defaultBinder, "bind")] {
            guard isOn(plugin, [point]) else {
                throw plugins.fault(point, "must keep \(plugin.name): this scheduler has no other")
            }
        }
    }

    private static func choice(_ plugins: ConfigurationReader, _ point: String) throws(Fault) -> Choice {
        var choice = Choice()
        guard let set = try plugins.object(point, ["enabled", "disabled"]) else { return choice }
        for item in try set.items("enabled") {
            let entry = try ConfigurationReader(item.value, item.path, ["name", "weight"])
            let name = try entry.text("name") ?? ""
            guard let plugin = Plugin(name: name) else {
                throw entry.fault("name", "\(name) is no plugin of this scheduler")
            }
            guard !choice.enabled.contains(where: { $0.plugin == plugin }) else {
                throw entry.fault("name", "\(name) is enabled twice")
            }
            choice.enabled.append((plugin, try entry.number("weight", 0...1_000_000) ?? 0))
        }
        for item in try set.items("disabled") {
            let entry = try ConfigurationReader(item.value, item.path, ["name", "weight"])
            choice.disabled.insert(try entry.text("name") ?? "")
        }
        return choice
    }

    /// The plugins of a point, as kube-scheduler merges them: of the defaults and of those of all points what is not
    /// disabled, a plugin that is named here at its new place when it was disabled and else at its old one.
    private static func chosen(
        _ defaults: [(plugin: Plugin, weight: Int)], _ own: Choice, _ multi: Choice, _ isOfPoint: (Plugin) -> Bool
    ) -> [(plugin: Plugin, weight: Int)] {
        var result: [(plugin: Plugin, weight: Int)] = []
        for (plugin, weight) in defaults where !multi.disables(plugin) && !own.disables(plugin) {
            let named = own.enabled.first { $0.plugin == plugin } ?? multi.enabled.first { $0.plugin == plugin }
            result.append((plugin, named.map { $0.weight > 0 ? $0.weight : weight } ?? weight))
        }
        let added = own.enabled + multi.enabled.filter { !own.disables($0.plugin) }
        for (plugin, weight) in added where isOfPoint(plugin) && !result.contains(where: { $0.plugin == plugin }) {
            result.append((plugin, weight))
        }
        return result
    }
}
