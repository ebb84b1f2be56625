import APIMachinery
import Datastore
import Support

@testable import Simulation

/// A history of a cluster as a test writes it down, change by change, and what the rules say of it.
struct History {
    /// A change: an object of a kind, by `NAMESPACE/NAME` or `NAME`; without content it goes.
    struct Step {
        var kind: String
        var name: String
        var content: Value?
        /// So much later than the one before.
        var pause: Duration

        init(_ kind: String, _ name: String, _ content: Value?, after pause: Duration = .zero) {
            (self.kind, self.name, self.content, self.pause) = (kind, name, content, pause)
        }

        static func gone(_ kind: String, _ name: String, after pause: Duration = .zero) -> Step {
            Step(kind, name, nil, after: pause)
        }
    }

    static let places = ["nodes": "minions"]
    private static let beginning = Timestamp(seconds: 1_900_000_000)
    private(set) var ledger = Ledger(at: beginning)
    private var now = beginning
    private var revision: Int64 = 1

    init(_ steps: [Step]) { for step in steps { take(step) } }

    mutating func take(_ step: Step) {
        now = now + step.pause
        revision += 1
        let key = "/registry/" + (Self.places[step.kind] ?? step.kind) + "/" + step.name
        let entry = step.content.map { content in
            Entry(key: key, value: Self.object(step, content).json, revision: revision, createdRevision: revision)
        }
        ledger.take(Change(key: key, revision: revision, entry: entry, previous: nil), at: now)
    }

    /// The content with the name, and a uid that is the name's unless it says otherwise.
    private static func object(_ step: Step, _ content: Value) -> Value {
        let parts = step.name.split(separator: "/").map(String.init)
        var object: Value = ["apiVersion": "v1", "kind": .string(step.kind)]
        var metadata: Value = ["name": .string(parts.last ?? "")]
        if parts.count > 1 { metadata["namespace"] = .string(parts[0]) }
        metadata["uid"] = .string("uid-" + (parts.last ?? ""))
        for (key, value) in content["metadata"]?.fields ?? Fields() { metadata[key] = value }
        object["metadata"] = metadata
        for (key, value) in content.fields ?? Fields() where key != "metadata" { object[key] = value }
        return object
    }

    /// What was against the rules, in order: `KIND NAME: what`.
    var violations: [String] { ledger.violations.map { "\($0.subject): \($0.what)" } }

    /// What is not as it shall be.
    var complaints: [String] { Convergence(ledger).complaints.map { "\($0.subject): \($0.what)" } }
}

extension History.Step {
    /// A node with two cores, 1 GiB and room for three pods.
    static func node(_ name: String = "n", _ spec: Value = [:], labels: Value = [:], after pause: Duration = .zero) -> Self {
        let room: Value = ["cpu": "2", "memory": "1Gi", "pods": "3"]
        return Self("nodes", name, ["metadata": ["labels": labels], "spec": spec, "status": ["allocatable": room]], after: pause)
    }

    /// A pod of one container.
    static func pod(
        _ name: String, on node: String? = nil, phase: String = "Running", requests: Value = [:], _ spec: Value = [:],
        metadata: Value = [:], conditions: Value = [], after pause: Duration = .zero
    ) -> Self {
        var spec = spec
        spec["containers"] = [["name": "c", "resources": ["requests": requests]]]
        spec["nodeName"] = node.map(Value.string)
        if spec["restartPolicy"] == nil { spec["restartPolicy"] = "Always" }
        let status: Value = ["phase": .string(phase), "conditions": conditions, "podIP": "10.0.0.1"]
        return Self("pods", "ns/" + name, ["metadata": metadata, "spec": spec, "status": status], after: pause)
    }

    /// What makes a pod ready.
    static let ready: Value = [["type": "Ready", "status": "True"]]

    /// The controller among the owners of an object.
    static func owner(_ kind: String, _ name: String) -> Value {
        [
            "ownerReferences": [
                [
                    "apiVersion": "v1", "kind": .string(kind), "name": .string(name), "uid": .string("uid-" + name),
                    "controller": true,
                ]
            ]
        ]
    }
}
