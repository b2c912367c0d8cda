package password

// The defaults for new hashes (OWASP ASVS 5.0.0 appendix C). They are minima too.
const (
	defaultMemory  = 19456 // KiB
	defaultPasses  = 2
	defaultThreads = 1
	saltSize       = 16
	sumSize        = 32
)

// Bounds of a password.
const (
	// MaxRunes is the longest password, in code points.
	MaxRunes = 256
	// MaxBytes is the longest password, in bytes of UTF-8.
	MaxBytes = 1024
	// MinRunes is the shortest new password when it is the only factor.
	MinRunes = 15
	// MinRunesSecondFactor is the shortest new password where a second factor is
	// enforced, and the least that a [Policy] can be brought to ask for.
	MinRunesSecondFactor = 8
)

// Ceilings for what a stored hash may cost. They are checked before any work is
// done and any memory taken.
const (
	maxMemory     = 256 << 10 // KiB, argon2
	maxPasses     = 10        // argon2
	maxThreads    = 4         // argon2
	maxBcryptCost = 15
	maxScryptSize = 256 << 20 // bytes, 128·N·r
	maxScryptWork = 1 << 30   // bytes, 128·N·r·p

	maxScryptLog      = 21 // N = 2^21 is over maxScryptSize with any r
	maxScryptBlock    = 1 << 10
	maxScryptParallel = 1 << 8

	maxIterations = 5_000_000 // PBKDF2

	maxEncoded = 512 // bytes of an encoded hash
	minSalt    = 8
	maxSalt    = 64
	minSum     = 16
	maxSum     = 64

	// unitWork is what a hash of the defaults takes; see [kind.work]. A hash to
	// import may take maxWork, and so may all foreign kinds that a refusal computes
	// together.
	unitWork = 1000
	maxWork  = 16 * unitWork

	bcryptBytes = 72 // what bcrypt reads of a password
	maxKinds    = 8  // kinds of hash that a refusal computes
)
