//! The pool in which passwords are hashed: bounded in threads, memory and waiting, so that a flood of sign-ins is
//! refused quickly and slows nobody else down.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;
use std::{fmt, io, thread};

use argon2::password_hash;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::argon2id::{self, Comparison, Memory, StoredHashError};
use crate::config::HashingLimits;
use crate::domain::password::Password;
use crate::domain::user::PasswordHash;

/// Why a password was not hashed or compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashingError {
    /// Too many are waiting, or this one waited too long. Try again later.
    #[error("too many passwords are waiting to be hashed")]
    Busy,
    /// The stored hash is not ours.
    #[error(transparent)]
    StoredHash(#[from] StoredHashError),
    /// The hash function refused to work.
    #[error("hashing failed: {0}")]
    Hash(password_hash::Error),
}

/// A place in the pool or in its queue. It is taken before anything is looked up, so that a refusal says nothing
/// about any user, and moves into the work, so that it is given back when the work is really over.
#[derive(Debug)]
pub(crate) struct Place(#[expect(dead_code, reason = "given back when dropped")] OwnedSemaphorePermit);

/// What a sign-in's comparison gave.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Not this user's password, or no such user.
    Wrong,
    /// The user's password.
    Right {
        /// A stronger hash to store instead.
        stronger: Option<PasswordHash>,
    },
}

type Work = Box<dyn FnOnce(&mut Memory) + Send>;

/// Hashes passwords on threads of its own, which end when it is dropped.
pub(crate) struct HashingPool {
    places: Arc<Semaphore>,
    work: mpsc::Sender<Work>,
    deadline: Duration,
    /// Compared with when there is no such user: the same work, the same time.
    nobody: PasswordHash,
}

impl HashingPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// The operating system gave no thread, or hashing does not work at all.
    pub(crate) fn start(limits: HashingLimits) -> io::Result<Self> {
        let (work, waiting) = mpsc::channel::<Work>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..limits.workers {
            let waiting = Arc::clone(&waiting);
            thread::Builder::new()
                .name("hashing".to_owned())
                .spawn(move || serve(&waiting))?;
        }
        let nobody = Password::parse("nobody").map_err(io::Error::other)?;
        let nobody = argon2id::hash(&nobody, &mut Memory::default());
        Ok(Self {
            places: Arc::new(Semaphore::new(limits.workers + limits.queue)),
            work,
            deadline: limits.deadline,
            nobody: nobody.map_err(|error| io::Error::other(error.to_string()))?,
        })
    }

    /// A place, or a refusal at once.
    ///
    /// # Errors
    /// `Busy`.
    pub(crate) fn admit(&self) -> Result<Place, HashingError> {
        Arc::clone(&self.places)
            .try_acquire_owned()
            .map(Place)
            .map_err(|_| HashingError::Busy)
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`HashingError`]
    pub(crate) async fn hash(&self, place: Place, password: Password) -> Result<PasswordHash, HashingError> {
        self.run(place, move |memory| argon2id::hash(&password, memory))
            .await?
            .map_err(HashingError::Hash)
    }

    /// Compares a password with a user's hash, or does the same work for nobody.
    ///
    /// # Errors
    /// [`HashingError`]
    pub(crate) async fn compare(
        &self,
        place: Place,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<Verdict, HashingError> {
        let somebody = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        self.run(place, move |memory| {
            let verdict = match argon2id::compare(&password, &stored, memory)? {
                Comparison::Equal if somebody => Verdict::Right { stronger: None },
                Comparison::EqualButWeak if somebody => {
                    let stronger = argon2id::hash(&password, memory).map_err(HashingError::Hash)?;
                    Verdict::Right {
                        stronger: Some(stronger),
                    }
                }
                Comparison::Differs | Comparison::Equal | Comparison::EqualButWeak => Verdict::Wrong,
            };
            Ok(verdict)
        })
        .await?
    }

    /// Runs work that has a place. It is skipped when its caller gives up, or its time is over, before its turn.
    async fn run<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, HashingError> {
        let (caller, answer) = oneshot::channel();
        let work = move |memory: &mut Memory| {
            if !caller.is_closed() {
                let _ = caller.send(work(memory));
            }
            drop(place);
        };
        // Fails only when every worker is gone, which ends in the same answer.
        let _ = self.work.send(Box::new(work));
        match tokio::time::timeout(self.deadline, answer).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) | Err(_) => Err(HashingError::Busy),
        }
    }
}

impl fmt::Debug for HashingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashingPool")
            .field("places", &self.places.available_permits())
            .finish_non_exhaustive()
    }
}

/// One worker: takes work until the pool is gone.
fn serve(waiting: &Mutex<mpsc::Receiver<Work>>) {
    let mut memory = Memory::default();
    loop {
        // The lock is held while waiting, so that exactly one idle worker waits for the channel.
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = next else { return };
        // A panic is its caller's alone (the answer is dropped); the worker goes on.
        let _ = catch_unwind(AssertUnwindSafe(|| work(&mut memory)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(workers: usize, queue: usize) -> HashingPool {
        HashingPool::start(HashingLimits {
            workers,
            queue,
            deadline: Duration::from_secs(20),
        })
        .unwrap()
    }

    fn password() -> Password {
        Password::parse("correct horse battery staple").unwrap()
    }

    #[tokio::test]
    async fn a_full_pool_refuses_at_once_and_takes_again_afterwards() {
        let pool = pool(1, 2);
        let places: Vec<Place> = (0..3).map(|_| pool.admit().unwrap()).collect();
        assert!(matches!(pool.admit(), Err(HashingError::Busy)));
        drop(places);
        pool.hash(pool.admit().unwrap(), password()).await.unwrap();
    }

    #[tokio::test]
    async fn a_place_is_kept_until_the_work_is_over_even_when_the_caller_gave_up() {
        let pool = pool(1, 0);
        let (started, has_started) = oneshot::channel();
        let (finish, finishes) = mpsc::channel::<()>();
        let place = pool.admit().unwrap();
        let mut work = Box::pin(pool.run(place, move |_| {
            started.send(()).unwrap();
            let _ = finishes.recv();
        }));
        tokio::select! {
            _ = &mut work => panic!("cannot be done yet"),
            started = has_started => started.unwrap(),
        }
        drop(work);
        assert!(pool.admit().is_err(), "the worker is still busy");
        finish.send(()).unwrap();
        while pool.admit().is_err() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn work_whose_caller_gave_up_is_skipped() {
        let pool = pool(1, 2);
        let (finish, finishes) = mpsc::channel::<()>();
        let mut first = Box::pin(pool.run(pool.admit().unwrap(), move |_| finishes.recv()));
        assert!(futures::poll!(first.as_mut()).is_pending());
        let (touched, is_touched) = mpsc::channel();
        let mut second = Box::pin(pool.run(pool.admit().unwrap(), move |_| touched.send(())));
        assert!(futures::poll!(second.as_mut()).is_pending());
        drop(second);
        finish.send(()).unwrap();
        let _ = first.await.unwrap();
        pool.run(pool.admit().unwrap(), |_| ()).await.unwrap();
        assert!(is_touched.try_recv().is_err(), "the second was never run");
    }

    #[tokio::test]
    async fn a_panic_is_its_callers_alone() {
        let pool = pool(1, 2);
        let panicked = pool.run(pool.admit().unwrap(), |_| panic!("as planned")).await;
        assert!(matches!(panicked, Err::<(), _>(HashingError::Busy)));
        pool.hash(pool.admit().unwrap(), password()).await.unwrap();
    }

    #[tokio::test]
    async fn nobody_has_no_password() {
        let pool = pool(1, 2);
        for text in ["nobody", "correct horse battery staple"] {
            let verdict = pool
                .compare(pool.admit().unwrap(), Password::parse(text).unwrap(), None)
                .await
                .unwrap();
            assert!(matches!(verdict, Verdict::Wrong), "{text}");
        }
    }
}
