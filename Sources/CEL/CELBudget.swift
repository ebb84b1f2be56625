/// How much work expressions may do for one object, counted as Kubernetes counts it: reading a name or a field is 1,
/// walking through a text a tenth of its length, making a list 10, a map 30, an object 40.
public struct CELBudget: Hashable, Sendable {
    /// For all expressions that look at one object.
    public static let perObject = 10_000_000
    /// For the match conditions of one policy or webhook.
    public static let matchConditions = perObject / 4
    /// What one evaluation may cost by default.
    public static let perCall = 1_000_000

    /// What is left; evaluation takes its cost from here.
    public var remaining: Int
    /// What one evaluation may cost.
    public var callLimit: Int
    /// How long one evaluation may really take.
    var effortLimit = Effort.limit

    public init(_ remaining: Int = perObject, callLimit: Int = perCall) {
        self.remaining = remaining
        self.callLimit = callLimit
    }

    /// Takes the cost of one evaluation; the error when it was not there.
    mutating func spend(_ cost: Int) throws(CELError) {
        remaining -= cost
        guard remaining >= 0 else {
            throw CELError(
                .budget, "validation failed due to running out of cost budget, no further validation rules will be run")
        }
    }
}
