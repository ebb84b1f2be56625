import Support

/// Which of the machine's ids the users of pods with user namespaces are: a run of ids for each pod (KEP 127).
///
/// Pure. The lowest run that is free is given first.
struct UserRanges: Sendable {
    /// Runs are made of so many ids, or a multiple of it.
    static let unit: UInt32 = 65_536

    /// A run of ids of the machine.
    struct Range: Hashable, Sendable {
        var first: UInt32
        var length: UInt32
    }

    private let first: UInt32
    /// Ids in a run.
    let length: UInt32
    private let count: Int
    private var owners: [UInt32: String] = [:]
    private var places: [String: UInt32] = [:]

    /// `range` is what may be given; `nil` for all but the first `perPod` of the machine. Fails with `invalid` where
    /// that is not of the form that it must have, or too little for `pods`.
    init(_ range: Range?, perPod: UInt32, pods: Int) throws(Fault) {
        func wrong(_ why: String) -> Fault { Fault(.invalid, "kubelet user assigned " + why) }
        guard perPod >= Self.unit, perPod % Self.unit == 0 else {
            throw Fault(.invalid, "kubelet user namespace length \(perPod) is not a multiple of \(Self.unit)")
        }
        // The greatest id stands for none.
        let range = range ?? Range(first: perPod, length: (UInt32.max / perPod - 1) * perPod)
        guard range.first % perPod == 0 else { throw wrong("ID \(range.first) is not a multiple of \(perPod)") }
        // The machine's own root must not be among them.
        guard range.first >= perPod else { throw wrong("ID \(range.first) must be greater or equal to \(perPod)") }
        guard range.length % perPod == 0 else {
            throw wrong("IDs length \(range.length) is not a multiple of \(perPod)")
        }
        guard UInt64(range.first) + UInt64(range.length) < 1 << 32 else {
            throw wrong("IDs \(range.first) and \(range.length) that follow are more than there are")
        }
        count = Int(range.length / perPod)
        guard count >= pods else { throw wrong("IDs are not enough to support \(pods) pods") }
        (first, length) = (range.first, perPod)
    }

    /// What the pod has.
    func range(of pod: String) -> Range? { places[pod].map { Range(first: $0, length: length) } }

    /// Gives the pod a run, or tells the one that it has; `full` when there is none.
    mutating func give(_ pod: String) throws(Fault) -> Range {
        if let present = range(of: pod) { return present }
        for index in 0..<count {
            let place = first + UInt32(index) * length
            guard owners[place] == nil else { continue }
            (owners[place], places[pod]) = (pod, place)
            return Range(first: place, length: length)
        }
        throw Fault(.full, "could not find an empty slot to allocate a user namespace")
    }

    /// The pod has this run since before. Fails with `conflict` for one that is another's, or none at all.
    mutating func note(_ pod: String, _ range: Range) throws(Fault) {
        guard range.length == length else { throw Fault(.conflict, "wrong user namespace length \(range.length)") }
        guard range.first % length == 0 else {
            throw Fault(.conflict, "wrong user namespace offset specified \(range.first)")
        }
        guard places[pod] ?? range.first == range.first else {
            throw Fault(.conflict, "different user namespace range already used by pod \(QuotedText.quoted(pod))")
        }
        guard range.first >= first, Int((range.first - first) / length) < count else {
            throw Fault(.conflict, "id \(range.first) is out of range")
        }
        guard owners[range.first] ?? pod == pod else {
            throw Fault(.conflict, "range picked for pod \(QuotedText.quoted(pod)) already taken")
        }
        (owners[range.first], places[pod]) = (pod, range.first)
    }

    /// Nothing of the pod is left.
    mutating func release(_ pod: String) {
        guard let place = places.removeValue(forKey: pod) else { return }
        owners[place] = nil
    }
}
