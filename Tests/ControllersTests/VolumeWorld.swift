import API
import APIMachinery

@testable import Controllers

/// A claim, volumes and classes as a conversation sets them up.
struct VolumeWorld {
    var claim = PersistentVolumeClaim(namespace: "default", name: "data")
    var volumes: [PersistentVolume] = []
    var classes: [StorageClass] = []
    var waitingPods: [String] = []

    /// Carries a command out; a decision is told in words.
    mutating func answer(_ command: [String]) -> [String] {
        let options = options(command)
        switch command[0] {
        case "class": classes.append(Self.storageClass(command[1], options))
        case "volume": put(Self.volume(command[1], options))
        case "claim": setClaim(options)
        case "annotate": claim.metadata.annotations.merge(options) { $1 }
        case "pods": waitingPods = Array(command.dropFirst())
        case "decide": return [Self.words(claimDecision.action)]
        case "judge": return [Self.words(volumeDecision(command[1]).action)]
        default: return ["what is \(command[0])?"]
        }
        return []
    }

    private var claimDecision: ClaimDecision {
        var decision = ClaimDecision(claim: claim)
        decision.named = volumes.first { $0.metadata.name == claim.spec.volumeName }
        decision.candidates = volumes
        decision.storageClass = classes.first { $0.metadata.name == claim.className }
        decision.defaultClass = classes.first(where: \.isDefault)?.metadata.name
        decision.waitingPods = waitingPods
        return decision
    }

    private func volumeDecision(_ name: String) -> VolumeDecision {
        let volume = volumes.first { $0.metadata.name == name } ?? PersistentVolume(name: name)
        let isOurs = volume.spec.claimRef?.uid == claim.metadata.uid
        return VolumeDecision(volume: volume, claim: isOurs ? claim : nil, removesFolders: true)
    }

    private mutating func put(_ volume: PersistentVolume) {
        volumes.removeAll { $0.metadata.name == volume.metadata.name }
        volumes.append(volume)
    }

    private mutating func setClaim(_ options: [String: String]) {
        claim = PersistentVolumeClaim(namespace: "default", name: "data")
        claim.metadata.uid = "c"
        claim.spec.resources.requests = ["storage": options["size"] ?? "1Gi"]
        claim.spec.accessModes = [options["mode"] ?? "ReadWriteOnce"]
        claim.spec.volumeName = options["volume"] ?? ""
        claim.spec.storageClassName = options["class"]
        if let label = options["label"] {
            claim.spec.selector = MetaV1LabelSelector(["matchLabels": ["tier": .string(label)]])
        }
        if options["bound"] != nil { claim.metadata.annotations[VolumeAnnotation.bindCompleted] = "yes" }
    }

    private static func volume(_ name: String, _ options: [String: String]) -> PersistentVolume {
        var volume = PersistentVolume(name: name)
        volume.spec.capacity = ["storage": options["size"] ?? "1Gi"]
        volume.spec.accessModes = (options["mode"] ?? "ReadWriteOnce").split(separator: ",").map(String.init)
        volume.spec.storageClassName = options["class"] ?? ""
        volume.spec.persistentVolumeReclaimPolicy = options["policy"] ?? "Retain"
        volume.spec.volumeMode = options["volumeMode"]
        volume.status.phase = options["phase"] ?? "Available"
        if let label = options["label"] { volume.metadata.labels["tier"] = label }
        if let maker = options["by"] { volume.metadata.annotations[VolumeAnnotation.provisionedBy] = maker }
        if let path = options["path"] { volume.value[path: ["spec", "hostPath", "path"]] = .string(path) }
        if let claim = options["for"] {
            var reference = ObjectReference()
            (reference.namespace, reference.name) = ("default", claim)
            reference.uid = options["uid"] ?? ""
            volume.spec.claimRef = reference
        }
        return volume
    }

    private static func storageClass(_ name: String, _ options: [String: String]) -> StorageClass {
        var storageClass = StorageClass(name: name)
        storageClass.provisioner = options["by"] ?? StorageClass.noProvisioner
        storageClass.volumeBindingMode = options["mode"] == "wait" ? "WaitForFirstConsumer" : "Immediate"
        if options["default"] != nil {
            storageClass.metadata.annotations[VolumeAnnotation.defaultClass] = "true"
        }
        return storageClass
    }

    private static func words(_ action: ClaimDecision.Action) -> String {
        switch action {
        case .bind(let volume): "bind \(volume.metadata.name)"
        case .assignClass(let name): "class \(name)"
        case .provision(let provisioner): "provision by \(provisioner)"
        case .wait(nil): "wait"
        case .wait(let note?): "wait, \(note.reason): \(note.message)"
        case .lose(let note): "lost, \(note.reason)"
        }
    }

    private static func words(_ action: VolumeDecision.Action) -> String {
        switch action {
        case .nothing: "nothing"
        case .setPhase(let phase): phase.rawValue
        case .unbind: "unbind"
        case .recycle: "recycle"
        case .delete(let folder): "delete \(folder)"
        case .fail(let note): "fail, \(note.reason): \(note.message)"
        case .warn(let note): "warn, \(note.reason)"
        }
    }
}
