import APIMachinery
import Support

/// A configuration file of the API server (`apiserver.config.k8s.io`): a document of one kind, and faults that name the
/// part of it that is wrong.
struct ConfigurationDocument {
    let value: Value
    private let kind: String
    private let flag: String

    /// `versions` without the group; `flag` is what named the file.
    init(_ text: String, kind: String, versions: [String], flag: String) throws(Fault) {
        self.kind = kind
        self.flag = flag
        let accepted = versions.map { "apiserver.config.k8s.io/" + $0 }
        value = try Self.read(text, kind: kind, apiVersions: accepted) { Self.fault($0, kind, flag) }
    }

    /// The document of a text in YAML or JSON, which must be of that kind and of one of the versions.
    static func read(
        _ text: String, kind: String, apiVersions: [String], _ fault: (String) -> Fault
    ) throws(Fault) -> Value {
        let value: Value
        do throws(YAMLError) {
            value = try YAML.document(text)
        } catch {
            throw fault("it is not YAML: \(error)")
        }
        guard value["kind"]?.string == kind, apiVersions.contains(value["apiVersion"]?.string ?? "") else {
            throw fault("it must be of kind \(kind) and of apiVersion \(apiVersions.joined(separator: " or "))")
        }
        return value
    }

    func fault(_ why: String) -> Fault { Self.fault(why, kind, flag) }

    private static func fault(_ why: String, _ kind: String, _ flag: String) -> Fault {
        Fault(.invalid, "the \(kind) cannot be used: \(why)", remedy: "correct the file that \(flag) names")
    }

    /// Reads a part; faults get the part's path in front.
    func locating<Part>(_ path: String, _ read: () throws(Fault) -> Part) throws(Fault) -> Part {
        do throws(Fault) {
            return try read()
        } catch {
            throw fault("\(path).\(error.summary)")
        }
    }
}
