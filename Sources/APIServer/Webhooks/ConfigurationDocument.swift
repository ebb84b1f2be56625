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
        do throws(YAMLError) {
            value = try YAML.document(text)
        } catch {
            throw Self.fault("it is not YAML: \(error)", kind, flag)
        }
        let accepted = versions.map { "apiserver.config.k8s.io/" + $0 }
        guard value["kind"]?.string == kind, accepted.contains(value["apiVersion"]?.string ?? "") else {
            throw fault("it must be of kind \(kind) and of apiVersion \(accepted.joined(separator: " or "))")
        }
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
