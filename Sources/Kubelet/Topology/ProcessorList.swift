/// Sets of processors as the kernel writes them: `0-3,8`.
enum ProcessorList {
    /// Beyond any machine; who writes more has made a mistake.
    private static let highest = 65_535

    static func text(_ processors: Set<Int>) -> String {
        var ranges: [ClosedRange<Int>] = []
        for processor in processors.sorted() {
            if let last = ranges.last, last.upperBound == processor - 1 {
                ranges[ranges.count - 1] = last.lowerBound...processor
            } else {
                ranges.append(processor...processor)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }

    /// `nil` for what is no such list; empty for nothing.
    static func parse(_ text: some StringProtocol) -> Set<Int>? {
        var processors = Set<Int>()
        let trimmed = String(text).filter { !$0.isWhitespace }
        guard !trimmed.isEmpty else { return processors }
        for part in trimmed.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
                0 <= first, first <= last, last <= highest
            else { return nil }
            processors.formUnion(first...last)
        }
        return processors
    }
}
