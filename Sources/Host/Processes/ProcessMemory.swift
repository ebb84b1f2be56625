internal import CLinux

/// The memory of this process.
public enum ProcessMemory {
    /// Gives the pages that the allocator holds but nobody uses back to the system. Takes milliseconds, in which those
    /// who allocate may wait.
    public static func returnFree() { linux_return_free_memory() }

    /// Lets go of the pages of the program itself that nobody writes to: its code and constants. Those that are used
    /// again come back from the system's cache of the file, sixteen at a fault; the others are memory that the system
    /// may take when it is short, without looking for who has it mapped. Takes less than a millisecond.
    public static func returnCode() { linux_return_code_memory() }
}
