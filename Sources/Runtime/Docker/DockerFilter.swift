import APIMachinery

/// Which of Docker's containers a list is to hold: the parameter `filters` of its lists and events.
struct DockerFilter: Hashable, Sendable {
    private var conditions: [String: [String]] = [:]

    /// The containers of one type (``DockerLabels``) that have all of these labels.
    init(type: String, labels: [String: String] = [:], id: String = "", sandbox: String = "") {
        add("label", "\(DockerLabels.type)=\(type)")
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) { add("label", "\(key)=\(value)") }
        if !sandbox.isEmpty { add("label", "\(DockerLabels.sandboxID)=\(sandbox)") }
        if !id.isEmpty { add("id", id) }
    }

    private init() {}

    /// The events that ``DockerEvent`` reads, of all of the pods' containers.
    static var events: DockerFilter {
        var filter = DockerFilter()
        filter.add("type", "container")
        filter.add("label", DockerLabels.type)
        for action in DockerEvent.actions { filter.add("event", action) }
        return filter
    }

    private mutating func add(_ key: String, _ value: String) { conditions[key, default: []].append(value) }

    var json: String {
        Value.object(Fields(conditions.sorted { $0.key < $1.key }.map { ($0.key, Value($0.value)) })).description
    }
}
