import API
import APIMachinery
import APIServer
import Client

extension Workload {
    static let statefulSets: [Kind] = [
        Kind(name: "create statefulset", weight: 5) { user throws(Status) in
            let name = user.name("s", of: 2)
            var spec: Value = [
                "replicas": .integer(Int64(user.dice.number(in: 0...3))), "serviceName": "d1",
                "podManagementPolicy": user.dice.happens(0.5) ? "OrderedReady" : "Parallel",
                "updateStrategy": ["type": user.dice.happens(0.8) ? "RollingUpdate" : "OnDelete"],
                "selector": ["matchLabels": ["app": .string(name.name)]],
                "template": user.template(app: name.name, graces: [5, 30]),
            ]
            user.addClaims(to: &spec)
            return try await user.create(StatefulSet.self, name, spec)
        },
        Kind(name: "scale statefulset", weight: 4) { user throws(Status) in
            try await user.scale(StatefulSet.self, most: 3)
        },
        Kind(name: "roll statefulset", weight: 3) { user throws(Status) in try await user.roll(StatefulSet.self) },
        Kind(name: "delete statefulset", weight: 2) { user throws(Status) in try await user.delete(StatefulSet.self) },
    ]

    static let daemonSets: [Kind] = [
        Kind(name: "create daemonset", weight: 3) { user throws(Status) in
            let name = user.name("n", of: 1)
            var template = user.template(app: name.name)
            if user.dice.happens(0.4) {
                template[path: ["spec", "nodeSelector"]] = ["topology.kubernetes.io/zone": "odd"]
            }
            let spec: Value = [
                "updateStrategy": ["type": user.dice.happens(0.8) ? "RollingUpdate" : "OnDelete"],
                "selector": ["matchLabels": ["app": .string(name.name)]], "template": template,
            ]
            return try await user.create(DaemonSet.self, name, spec)
        },
        Kind(name: "roll daemonset", weight: 2) { user throws(Status) in try await user.roll(DaemonSet.self) },
        Kind(name: "delete daemonset", weight: 1) { user throws(Status) in try await user.delete(DaemonSet.self) },
    ]
}
