import API
import APIMachinery
import APIServer
import Client

extension Workload {
    static let deployments: [Kind] = [
        Kind(name: "create deployment", weight: 10) { user throws(Status) in
            let name = user.name("d")
            var strategy: Value = ["type": "Recreate"]
            if user.dice.happens(0.7) {
                let most = user.dice.number(in: 0...2)
                strategy = [
                    "type": "RollingUpdate",
                    "rollingUpdate": [
                        "maxSurge": .integer(Int64(most)),
                        "maxUnavailable": .integer(Int64(most == 0 ? 1 : user.dice.number(in: 0...1))),
                    ],
                ]
            }
            var template = user.template(app: name.name)
            user.addScratch(to: &template)
            let spec: Value = [
                "replicas": .integer(Int64(user.dice.number(in: 0...4))), "strategy": strategy,
                "minReadySeconds": .integer(user.dice.happens(0.2) ? 5 : 0),
                "selector": ["matchLabels": ["app": .string(name.name)]], "template": template,
            ]
            return try await user.create(Deployment.self, name, spec)
        },
        Kind(name: "scale deployment", weight: 8) { user throws(Status) in try await user.scale(Deployment.self) },
        Kind(name: "roll deployment", weight: 8) { user throws(Status) in try await user.roll(Deployment.self) },
        Kind(name: "delete deployment", weight: 4) { user throws(Status) in try await user.delete(Deployment.self) },
    ]

    static let replicaSets: [Kind] = [
        Kind(name: "create replicaset", weight: 3) { user throws(Status) in
            let name = user.name("r", of: 2)
            let spec: Value = [
                "replicas": .integer(Int64(user.dice.number(in: 0...3))),
                "selector": ["matchLabels": ["app": .string(name.name)]], "template": user.template(app: name.name),
            ]
            return try await user.create(ReplicaSet.self, name, spec)
        },
        // Also one that belongs to a deployment, which will have none of it.
        Kind(name: "scale replicaset", weight: 3) { user throws(Status) in
            try await user.scale(ReplicaSet.self, most: 3)
        },
        Kind(name: "delete replicaset", weight: 2) { user throws(Status) in try await user.delete(ReplicaSet.self) },
    ]

    static let services: [Kind] = [
        Kind(name: "create service", weight: 3) { user throws(Status) in
            let name = user.name("d")
            let spec: Value = ["selector": ["app": .string(name.name)], "ports": [["port": 80, "targetPort": 8080]]]
            return try await user.create(Service.self, name, spec)
        },
        Kind(name: "delete service", weight: 1) { user throws(Status) in try await user.delete(Service.self) },
    ]
}
