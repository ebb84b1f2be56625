/// Which indexes of a job are meant, as runs: a job of a hundred thousand that are all done is one run.
///
/// Written as its status writes it: `1,3-5,7`.
struct IndexSet: Hashable, Sendable, CustomStringConvertible {
    /// In order; no two of them touch.
    private(set) var runs: [ClosedRange<Int>] = []

    init() {}

    /// Reads what a status says. What is not below `limit` is left out: the job has grown smaller since.
    init(_ text: String, below limit: Int) {
        var indexes: [ClosedRange<Int>] = []
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-", maxSplits: 1).map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, first >= 0, first <= last, first < limit
            else { continue }
            indexes.append(first...min(last, limit - 1))
        }
        self.init(indexes)
    }

    init(_ indexes: some Sequence<Int>) { self.init(indexes.map { $0...$0 }) }

    private init(_ ranges: [ClosedRange<Int>]) {
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = runs.last, range.lowerBound - 1 <= last.upperBound {
                runs[runs.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                runs.append(range)
            }
        }
    }

    var count: Int { runs.reduce(0) { $0 + $1.count } }

    func contains(_ index: Int) -> Bool {
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].upperBound < index { low = middle + 1 } else { high = middle }
        }
        return low < runs.count && runs[low].contains(index)
    }

    func union(_ other: IndexSet) -> IndexSet { IndexSet(runs + other.runs) }

    /// The smallest indexes below `limit` that are not in the set, at most so many.
    func missing(_ count: Int, below limit: Int) -> [Int] {
        var (missing, next): ([Int], Int) = ([], 0)
        for run in runs + [limit...limit] {
            let end = min(run.lowerBound, limit)
            if next < end { missing += (next..<end).prefix(count - missing.count) }
            next = run.upperBound + 1
            if missing.count == count || next >= limit { break }
        }
        return missing
    }

    /// How many indexes are in both.
    func count(in other: IndexSet) -> Int {
        var (mine, theirs, total) = (runs[...], other.runs[...], 0)
        while let a = mine.first, let b = theirs.first {
            let (low, high) = (max(a.lowerBound, b.lowerBound), min(a.upperBound, b.upperBound))
            if low <= high { total += high - low + 1 }
            if a.upperBound < b.upperBound { mine.removeFirst() } else { theirs.removeFirst() }
        }
        return total
    }

    /// Two neighbours are written as two, as Kubernetes does.
    var description: String {
        runs.map { run in
            switch run.count {
            case 1: "\(run.lowerBound)"
            case 2: "\(run.lowerBound),\(run.upperBound)"
            default: "\(run.lowerBound)-\(run.upperBound)"
            }
        }.joined(separator: ",")
    }
}
