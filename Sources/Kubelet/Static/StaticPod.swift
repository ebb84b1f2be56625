import API
import APIMachinery
import PKI
import Support

/// A pod that a node runs from a file of its own, whatever the API says (Kubernetes documentation, "Create static
/// Pods").
///
/// Pure: equal files at the same place of the same node make the same pod, so that a kubelet that starts again finds
/// its containers.
enum StaticPod {
    static let source = "kubernetes.io/config.source"
    static let hash = "kubernetes.io/config.hash"
    static let seen = "kubernetes.io/config.seen"
    static let mirror = "kubernetes.io/config.mirror"

    /// Why a file is not a pod.
    struct Refusal: Error, Hashable, Sendable {
        var why: String
    }

    /// The pod that a file describes, in YAML or JSON, on the node of this name.
    static func read(_ bytes: [UInt8], file: String, node: String) throws(Refusal) -> Pod {
        guard let definition = BuiltinResources.shared.definition(of: .pods), let type = definition.type else {
            throw Refusal(why: "this version knows no pods")
        }
        var pod = Pod(try object(bytes, type))
        guard !pod.metadata.name.isEmpty else { throw Refusal(why: "invalid pod: name is needed for the pod") }
        if let kind = PodReferences.kind(in: pod) { throw Refusal(why: "static pods may not reference \(kind)") }
        pod.value["status"] = nil
        if pod.metadata.uid.isEmpty { pod.metadata.uid = uid(of: pod, file: file, node: node) }
        guard pod.metadata.uid.utf8.allSatisfy(isPlain), pod.metadata.uid.utf8.count <= 63 else {
            throw Refusal(why: "invalid pod: metadata.uid names folders, so letters, digits and dashes are what it may have")
        }
        pod.metadata.name += "-" + node
        if pod.metadata.namespace.isEmpty { pod.metadata.namespace = "default" }
        pod.spec.nodeName = node
        pod.metadata.annotations[source] = "file"
        pod.metadata.annotations[hash] = pod.metadata.uid
        pod.tolerateEviction()
        let errors =
            BuiltinValidation.validate(pod.value, as: definition)
            + BuiltinValidation.validateCreate(pod.value, as: definition)
        guard errors.isEmpty else {
            throw Refusal(why: "invalid pod: [" + errors.map(\.description).joined(separator: ", ") + "]")
        }
        return pod
    }

    private static func object(_ bytes: [UInt8], _ type: TypeSchema) throws(Refusal) -> Value {
        let documents: [Value]
        do throws(YAMLError) { documents = try YAML.documents(bytes) } catch { throw Refusal(why: "\(error)") }
        guard documents.count == 1, documents[0]["kind"] == "Pod", documents[0]["apiVersion"] == "v1" else {
            throw Refusal(why: "couldn't parse as pod: a file holds one object of kind Pod and apiVersion v1")
        }
        do throws(DecodingError) {
            var object = try type.decode(documents[0])
            (object["apiVersion"], object["kind"]) = ("v1", "Pod")
            BuiltinDefaults.shared.apply(to: &object, as: type)
            return object
        } catch {
            throw Refusal(why: "couldn't parse as pod: \(error)")
        }
    }

    /// 32 digits: what the file says, where it is, and whose it is.
    private static func uid(of pod: Pod, file: String, node: String) -> String {
        Hex.encode(Digest.sha256(pod.value.json + Array("host:\(node)file:\(file)".utf8)).prefix(16))
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension Pod {
    /// Whether it comes from a file of the node.
    var isStatic: Bool { metadata.annotations[StaticPod.source] == "file" && !isMirror }
    /// Whether it stands in the API for one that a node runs anyway.
    var isMirror: Bool { metadata.annotations[StaticPod.mirror] != nil }

    /// Nobody else can run it, so no trouble of the node ends it.
    fileprivate mutating func tolerateEviction() {
        let wanted = Toleration(["operator": "Exists", "effect": "NoExecute"])
        if !spec.tolerations.contains(wanted) { spec.tolerations.append(wanted) }
    }
}
