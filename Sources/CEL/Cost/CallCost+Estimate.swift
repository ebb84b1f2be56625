extension CallCost {
    /// What a call can cost at most, without its arguments.
    func estimate(_ operands: [Estimate], _ types: [CELType]) -> Int {
        func tenth(_ size: Int) -> Int { Saturating.divide(size, by: 10) }
        func quarter(_ size: Int) -> Int { Saturating.divide(size, by: 4) }
        func size(_ index: Int) -> Int { index < operands.count ? operands[index].size : 1 }
        switch self {
        case .one: return 1
        case .fixed(let cost): return cost
        case .text: return tenth(size(0))
        case .twiceText: return tenth(Saturating.multiply(2, size(0)))
        // The reference walks over the prefix, which is the argument.
        case .secondText: return tenth(size(1))
        case .shorter: return tenth(min(size(0), size(1)))
        case .both:
            switch types[0] {
            case .string, .bytes, .dyn: return max(1, tenth(Saturating.add(size(0), size(1))))
            default: return 1
            }
        case .searched: return size(1)
        case .contains: return Saturating.multiply(tenth(size(0)), tenth(size(1)))
        case .pattern: return Saturating.multiply(tenth(Saturating.add(size(0), 1)), quarter(size(1)))
        case .result:
            let element = operands[0].element(types[0]).size
            let length = Saturating.multiply(size(0), Saturating.add(element, operands.count > 1 ? size(1) : 0))
            return tenth(Saturating.multiply(2, length))
        case .elements:
            switch types[0] {
            case .string: return tenth(size(0))
            case .list(.string), .list(.bytes):
                return Saturating.multiply(size(0), 1 + tenth(operands[0].element(types[0]).size))
            default: return size(0)
            }
        case .product: return Saturating.multiply(size(0), size(1))
        case .selector:
            return Saturating.add(10 + tenth(size(1)), Saturating.multiply(Saturating.divide(size(1), by: 2), 50))
        case .network(let extra):
            let text = types.count > 1 && types[1] == .string ? tenth(size(1)) : 0
            return Saturating.add(4 + (extra ? 3 : 0), text)
        case .format: return Saturating.multiply(tenth(Saturating.add(size(1), 1)), 250)
        }
    }
}
