import API
import APIMachinery
import Support

/// Decides which pods a node runs by the files that it has, one pod a file.
///
/// Pure. What counts is what the files say now: a file that is no pod any more ends the one it was, as a restart would.
/// Of several files that name the same pod the first by name counts.
struct StaticPodSet: Sendable {
    enum Content: Hashable, Sendable {
        case pod(Pod)
        case refused(StaticPod.Refusal)
    }

    /// What to do about a change of the files.
    struct Changes: Hashable, Sendable {
        var ended: [String] = []
        var begun: [Pod] = []
        /// Told once, with the file.
        var refused: [Complaint] = []
    }

    struct Complaint: Hashable, Sendable {
        var file: String
        var why: String
    }

    private var contents: [String: Content] = [:]
    private var running: [ObjectName: Pod] = [:]
    private var duplicates: Set<Complaint> = []

    /// The file says this; `nil` for one that is gone.
    mutating func put(_ file: String, _ content: Content?) -> Changes {
        guard contents[file] != content else { return Changes() }
        contents[file] = content
        var changes = settle()
        if case .refused(let refusal) = content {
            changes.refused.append(Complaint(file: file, why: refusal.why))
        }
        return changes
    }

    /// Files that are known, for who looks at all of them again.
    var files: [String] { contents.keys.sorted() }

    private mutating func settle() -> Changes {
        var (wanted, doubled): ([ObjectName: Pod], Set<Complaint>) = ([:], [])
        for (file, content) in contents.sorted(by: { $0.key < $1.key }) {
            guard case .pod(let pod) = content else { continue }
            let name = pod.objectName
            if wanted[name] == nil {
                wanted[name] = pod
            } else {
                doubled.insert(
                    Complaint(file: file, why: "due to duplicate pod name \"\(name.name)\", ignoring"))
            }
        }
        var changes = Changes()
        for (name, pod) in running where wanted[name]?.metadata.uid != pod.metadata.uid {
            changes.ended.append(pod.metadata.uid)
        }
        for (name, pod) in wanted where running[name] != pod { changes.begun.append(pod) }
        changes.begun.sort { $0.objectName < $1.objectName }
        changes.ended.sort()
        changes.refused = doubled.subtracting(duplicates).sorted { $0.file < $1.file }
        (running, duplicates) = (wanted, doubled)
        return changes
    }
}
