import API
import APIMachinery
import APIServer
import Client

/// Volumes that people make, and claims that take them. Sets of pods bring claims of their own.
extension Workload {
    /// Volumes of this class are made for the node of the first pod, or taken from those that people made.
    static let delayedClass = "disk"
    static let instantClass = "fast"

    static let storage: [Kind] = [
        Kind(name: "create volume", weight: 3) { user throws(Status) in
            let policy = user.dice.element(of: ["Retain", "Recycle", "Recycle"]) ?? "Retain"
            let name = "v\(user.dice.number(in: 1...3))"
            var spec: Value = [
                "capacity": ["storage": "1Gi"], "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": .string(policy), "hostPath": ["path": .string("/volumes/" + name)],
            ]
            if user.dice.happens(0.4) { spec["storageClassName"] = .string(delayedClass) }
            return try await user.create(PersistentVolume.self, ObjectName(name: name), spec) + ", " + policy
        },
        Kind(name: "delete volume", weight: 1) { user throws(Status) in
            guard let volume = user.dice.element(of: try await user.client().list(PersistentVolume.self)) else { return nil }
            _ = try await user.client().delete(Target(PersistentVolume.resource, volume.objectName), DeletionOptions())
            return "\(volume.objectName)"
        },
        Kind(name: "create claim", weight: 3) { user throws(Status) in
            let name = user.name("c", of: 2)
            return try await user.create(
                PersistentVolumeClaim.self, name, claim(of: user.dice.happens(0.3) ? instantClass : ""))
        },
        // Those of sets too, which their pods still use.
        Kind(name: "delete claim", weight: 3) { user throws(Status) in
            try await user.delete(PersistentVolumeClaim.self)
        },
    ]

    static func claim(of className: String) -> Value {
        [
            "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]],
            "storageClassName": .string(className),
        ]
    }

    /// Claims for each pod of a set, now and then, and what becomes of them.
    func addClaims(to spec: inout Value) {
        guard dice.happens(0.5) else { return }
        let className = dice.happens(0.6) ? Self.delayedClass : Self.instantClass
        spec["volumeClaimTemplates"] = [["metadata": ["name": "data"], "spec": Self.claim(of: className)]]
        func end() -> Value { dice.happens(0.5) ? "Delete" : "Retain" }
        if dice.happens(0.7) { spec["persistentVolumeClaimRetentionPolicy"] = ["whenDeleted": end(), "whenScaled": end()] }
    }

    /// A volume that lives with each pod, now and then.
    func addScratch(to template: inout Value) {
        guard dice.happens(0.15) else { return }
        let claim: Value = ["metadata": [:], "spec": Self.claim(of: dice.happens(0.5) ? Self.delayedClass : Self.instantClass)]
        template[path: ["spec", "volumes"]] = [["name": "scratch", "ephemeral": ["volumeClaimTemplate": claim]]]
    }

    func prepareStorage() async throws(Status) {
        for (name, mode) in [(Self.delayedClass, "WaitForFirstConsumer"), (Self.instantClass, "Immediate")] {
            var storageClass = StorageClass(name: name)
            storageClass.provisioner = DiskProvisioner.provisioner
            storageClass.volumeBindingMode = mode
            try await client().create(storageClass)
        }
    }
}
