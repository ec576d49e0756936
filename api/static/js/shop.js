/* Two comforts; every page works without them.
   A picture that cannot be loaded becomes a lettered plate; a hero in the making is swapped when it is made. */
"use strict";

function plate(image) {
  const span = document.createElement("span");
  span.className = "plate";
  span.setAttribute("aria-hidden", "true");
  span.textContent = image.dataset.letter || "";
  image.replaceWith(span);
}

function watchPictures(root) {
  for (const image of root.querySelectorAll("img[data-letter]")) {
    if (image.complete && image.naturalWidth === 0 && image.loading !== "lazy") plate(image);
    else image.addEventListener("error", () => plate(image), { once: true });
  }
}

function watchHero(hero, triesLeft) {
  if (!hero || !hero.dataset.poll || triesLeft === 0) return;
  setTimeout(async () => {
    if (document.hidden) return watchHero(hero, triesLeft);
    try {
      const answer = await fetch(hero.dataset.poll, { headers: { Accept: "application/json" } });
      const made = answer.ok ? await answer.json() : {};
      if (made.banner_url) return showBanner(hero, made);
    } catch (error) { /* the network is away: the drawn hero stays, and we ask again */ }
    watchHero(hero, triesLeft - 1);
  }, 2000);
}

function showBanner(hero, made) {
  const image = new Image(1200, 628);
  image.className = "banner";
  image.alt = made.alt;
  image.addEventListener("load", () => {
    hero.replaceChildren(image);
    const credit = document.getElementById("hero-credit");
    if (credit) credit.hidden = false;
  }, { once: true });
  image.src = made.banner_url;
}

watchPictures(document);
watchHero(document.getElementById("hero-picture"), 60);
