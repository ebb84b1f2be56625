import API
import APIMachinery
import Client

/// Gives a pod what its runtime class costs, and where such pods can run (KEP-688 for the overhead, KEP-585 for the
/// scheduling).
struct RuntimeClassAdmission: MutatingAdmission, ValidatingAdmission {
    let classes: any ObjectSet

    var name: String { "RuntimeClass" }

    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .pods }

    func admit(_ request: inout AdmissionRequest) throws(Status) {
        guard request.operation == .create, request.isMain(.pods), var pod = request.object,
            let runtimeClass = try runtimeClass(of: pod, request)
        else { return }
        if let overhead = runtimeClass.at("overhead", "podFixed") {
            if let asked = pod.at("spec", "overhead"), asked != overhead { throw Self.mismatch(request) }
            pod[path: ["spec", "overhead"]] = overhead
        }
        if let scheduling = runtimeClass["scheduling"] { try Self.place(&pod, scheduling, request) }
        request.object = pod
    }

    func validate(_ request: AdmissionRequest) throws(Status) {
        guard request.operation == .create, request.isMain(.pods), let pod = request.object else { return }
        let overhead = pod.at("spec", "overhead")
        let wanted = try runtimeClass(of: pod, request)?.at("overhead", "podFixed")
        if let wanted {
            guard [String: Quantity](overhead) == [String: Quantity](wanted) else { throw Self.mismatch(request) }
        } else if overhead?.fields?.isEmpty == false {
            throw request.forbidden(
                "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")
        }
    }

    private func runtimeClass(of pod: Value, _ request: AdmissionRequest) throws(Status) -> Value? {
        guard let name = pod.at("spec", "runtimeClassName")?.string, !name.isEmpty else { return nil }
        guard let found = classes.get(ObjectName(name: name)) else {
            throw request.forbidden("pod rejected: RuntimeClass \"\(name)\" not found")
        }
        return found.value
    }

    private static func mismatch(_ request: AdmissionRequest) -> Status {
        request.forbidden("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
    }

    private static func place(_ pod: inout Value, _ scheduling: Value, _ request: AdmissionRequest) throws(Status) {
        for (key, value) in scheduling["nodeSelector"]?.fields ?? Fields() {
            if let own = pod.at("spec", "nodeSelector", key), own != value {
                throw request.forbidden(
                    "conflict: runtimeClass.scheduling.nodeSelector[\(key)] = \(value.string ?? ""); "
                        + "pod.spec.nodeSelector[\(key)] = \(own.string ?? "")")
            }
            pod[path: ["spec", "nodeSelector", key]] = value
        }
        let own = pod.at("spec", "tolerations")?.array ?? []
        let new = (scheduling["tolerations"]?.array ?? []).filter { !own.contains($0) }
        if !new.isEmpty { pod[path: ["spec", "tolerations"]] = .array(own + new) }
    }
}
