import API
import APIMachinery

@testable import Scheduler

/// Nodes and pods as tests write them down.
enum Given {
    static func node(_ name: String, _ change: (inout Value) -> Void = { _ in }) -> Node {
        var value: Value = [
            "metadata": ["name": .string(name), "labels": ["kubernetes.io/hostname": .string(name)]],
            "spec": [:],
            "status": ["allocatable": ["cpu": "2", "memory": "4Gi", "pods": "110"]],
        ]
        change(&value)
        return Node(value)
    }

    static func node(_ name: String, labels: [String: String]) -> Node {
        node(name) { value in
            for (key, text) in labels { value[path: ["metadata", "labels", key]] = .string(text) }
        }
    }

    /// A pod of one container. `ports` of the spec are the container's.
    static func pod(
        _ name: String = "p", namespace: String = "ns", labels: [String: String] = [:], _ spec: Value = [:],
        requests: [String: String] = [:], priority: Int = 0, on node: String = "", status: Value = [:]
    ) -> PodFacts {
        var spec = spec
        var container: Value = ["name": "c"]
        if !requests.isEmpty { container["resources"] = ["requests": Value(requests)] }
        for key in ["ports", "image"] {
            if let given = spec[key] { container[key] = given }
            spec[key] = nil
        }
        if spec["containers"] == nil { spec["containers"] = [container] }
        spec["priority"] = .integer(Int64(priority))
        spec["schedulerName"] = spec["schedulerName"] ?? "default-scheduler"
        if !node.isEmpty { spec["nodeName"] = .string(node) }
        let metadata: Value = [
            "name": .string(name), "namespace": .string(namespace), "uid": .string("uid-" + name),
            "labels": Value(labels),
        ]
        return PodFacts(Pod(["metadata": metadata, "spec": spec, "status": status]))
    }

    static func pod(_ spec: Value, requests: [String: String] = [:]) -> PodFacts {
        pod("p", spec, requests: requests)
    }

    static func cluster(_ nodes: Node..., pods: [(PodFacts, String)] = []) -> ClusterFacts {
        let cluster = ClusterFacts()
        for node in nodes { cluster.setNode(node.objectName.name, node) }
        for (pod, node) in pods { cluster.place(pod, on: node) }
        return cluster
    }
}

extension ClusterFacts {
    /// The nodes that can take the pod, in order of name; or why none can.
    func fitting(_ pod: PodFacts, _ volumes: VolumeFacts = VolumeFacts(), _ profile: Profile = Profile()) -> Fitting {
        switch Decision(pod, volumes, profile, self).sift(from: 0) {
        case .nodes(let nodes, _): .nodes(nodes.map(\.name).sorted())
        case .none(let diagnosis): .none(diagnosis.message)
        }
    }

    /// What the judges give each node.
    func scores(_ pod: PodFacts, _ profile: Profile = Profile()) -> [String: Int] {
        let nodes = order
        let scores = Decision(pod, VolumeFacts(), profile, self).scores(of: nodes)
        return Dictionary(uniqueKeysWithValues: zip(nodes.map(\.name), scores))
    }
}

enum Fitting: Hashable {
    case nodes([String])
    case none(String)
}

extension Profile {
    /// One judge alone.
    static func judging(_ plugin: Plugin, _ change: (inout Profile) -> Void = { _ in }) -> Profile {
        var profile = Profile()
        profile.scores = [(plugin, 1)]
        change(&profile)
        return profile
    }
}
