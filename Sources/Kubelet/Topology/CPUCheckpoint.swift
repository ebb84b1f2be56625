import APIMachinery
import Support

/// Which container has which processors, as a node remembers it over a restart: in Kubernetes' file and form.
struct CPUCheckpoint: Hashable, Sendable {
    static let file = "cpu_manager_state"

    var policy: String
    var shared: Set<Int>
    /// By pod and container.
    var assignments: [String: [String: Set<Int>]]

    init(policy: String, shared: Set<Int>, assignments: [String: [String: Set<Int>]] = [:]) {
        self.policy = policy
        self.shared = shared
        self.assignments = assignments
    }

    /// Fails with `corrupt` for what is no such file, or was changed since it was written.
    init(json: [UInt8]) throws(Fault) {
        guard let value = try? Value(json: json), let policy = value["policyName"]?.string,
            let shared = ProcessorList.parse(value["defaultCpuSet"]?.string ?? "")
        else { throw Self.unreadable }
        self.init(policy: policy, shared: shared)
        for (pod, containers) in value["entries"]?.fields ?? Fields() {
            for (container, list) in containers.fields ?? Fields() {
                guard let processors = ProcessorList.parse(list.string ?? "-") else { throw Self.unreadable }
                assignments[pod, default: [:]][container] = processors
            }
        }
        // Older files have no sum.
        let sum = value["checksum"]?.integer ?? 0
        guard sum == 0 || sum == Int64(checksum) else { throw Self.unreadable }
    }

    private static var unreadable: Fault {
        Fault(
            .corrupt, "the file \(file) is damaged",
            remedy: "drain the node and remove the file \(file) in the kubelet's folder")
    }

    private var sorted: [(pod: String, containers: [(name: String, list: String)])] {
        assignments.sorted { $0.key < $1.key }.map { pod, containers in
            (pod, containers.sorted { $0.key < $1.key }.map { ($0.key, ProcessorList.text($0.value)) })
        }
    }

    var json: [UInt8] {
        var value: Value = [
            "policyName": .string(policy), "defaultCpuSet": .string(ProcessorList.text(shared)),
        ]
        let entries = sorted.map { pod, containers in
            (pod, Value.object(Fields(containers.map { ($0.name, Value.string($0.list)) })))
        }
        if !entries.isEmpty { value["entries"] = .object(Fields(entries)) }
        value["checksum"] = .integer(Int64(checksum))
        return value.json
    }

    /// Over the data as Go prints its types.
    private var checksum: UInt32 {
        let entries = sorted.map { pod, containers in
            "\(pod):map[" + containers.map { "\($0.name):\($0.list)" }.joined(separator: " ") + "]"
        }
        return CheckpointSum.of(
            "(*state.CPUManagerCheckpoint){PolicyName:(string)\(policy) "
                + "DefaultCPUSet:(string)\(ProcessorList.text(shared)) "
                + "Entries:(map[string]map[string]string)map[\(entries.joined(separator: " "))] "
                + "Checksum:(checksum.Checksum)0}")
    }
}
