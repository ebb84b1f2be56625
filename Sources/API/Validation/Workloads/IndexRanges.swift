/// Which indexes of a job are meant, as it is written: `1,3-5,7`.
enum IndexRanges {
    struct Problem: Error {
        var text: String
    }

    /// How many indexes `text` names. They must rise, and be below `completions`.
    static func count(_ text: String, below completions: Int64) throws(Problem) -> Int64 {
        guard !text.isEmpty else { return 0 }
        var total: Int64 = 0
        var last: Int64?
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let range = try range(String(part), below: completions)
            if let last, last >= range.lowerBound {
                throw Problem(text: "non-increasing order, previous: \(last), current: \(range.lowerBound)")
            }
            total += range.upperBound - range.lowerBound + 1
            last = range.upperBound
        }
        return total
    }

    /// The first index that both texts name, as they rise; `nil` when there is none. What is wrong in either is passed
    /// over.
    static func overlap(_ one: String, _ other: String, below completions: Int64) -> Int64? {
        let (ones, others) = (readable(one, completions), readable(other, completions))
        var (left, right) = (0, 0)
        while left < ones.count, right < others.count {
            if ones[left].overlaps(others[right]) { return max(ones[left].lowerBound, others[right].lowerBound) }
            if ones[left].lowerBound <= others[right].lowerBound { left += 1 } else { right += 1 }
        }
        return nil
    }

    private static func readable(_ text: String, _ completions: Int64) -> [ClosedRange<Int64>] {
        text.split(separator: ",").compactMap { try? range(String($0), below: completions) }
    }

    private static func range(_ text: String, below completions: Int64) throws(Problem) -> ClosedRange<Int64> {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count <= 2 else {
            let why = "violates the requirement that an index interval can have at most two parts separated by '-'"
            throw Problem(text: "the fragment \"\(text)\" \(why)")
        }
        var numbers: [Int64] = []
        for part in parts {
            guard let number = Int64(part) else {
                throw Problem(text: "cannot convert string to integer for index: \"\(part)\"")
            }
            guard number < completions else { throw Problem(text: "too large index: \"\(part)\"") }
            numbers.append(number)
        }
        guard numbers[0] < numbers[numbers.count - 1] || numbers.count == 1 else {
            throw Problem(text: "non-increasing order, previous: \(numbers[0]), current: \(numbers[1])")
        }
        return numbers[0]...numbers[numbers.count - 1]
    }
}
